package emulator_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"example.com/evstream/emulator"
	"example.com/evstream/emulator/fault"
)

func Example() {
	ctx := context.Background()
	e, err := emulator.Start(ctx, emulator.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()

	client := kinesis.New(kinesis.Options{
		BaseEndpoint: aws.String(e.URL()), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("any", "any", ""),
	})
	if _, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: aws.String("events"), ShardCount: aws.Int32(1)}); err != nil {
		log.Fatal(err)
	}
	e.Kinesis.Control("PutRecord", func(*fault.Call) *fault.Fault {
		return &fault.Fault{Err: fault.Errorf("ProvisionedThroughputExceededException", "Rate exceeded")} // for the next one
	})
	for range 3 {
		in := &kinesis.PutRecordInput{StreamName: aws.String("events"), PartitionKey: aws.String("k"), Data: []byte(`{}`)}
		if _, err := client.PutRecord(ctx, in); err != nil { // the SDK tries again
			log.Fatal(err)
		}
	}
	stream, err := e.Kinesis.Stream("events")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stream.Accepted, "records")
	// Output: 3 records
}

// TestExampleInReadme: README.md shows the example above.
func TestExampleInReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(readme)
	if shown == nil {
		t.Fatal("README.md has no example in Go")
	}
	flat := func(text []byte) string { return strings.Join(strings.Fields(string(text)), " ") }
	if !strings.Contains(flat(source), flat(shown[1])) {
		t.Errorf("README.md does not show Example as it is:\n%s", shown[1])
	}
}
