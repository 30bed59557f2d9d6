// Package producetest runs the producer against the Kinesis stand-in: at the
// stream's write limit, and from its command line. README.md has the table of faults.
package producetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"example.com/evstream/emulator/fakekinesis"
)

const streamName = "ev_stream_data"

// client returns an SDK client of s.
func client(s *fakekinesis.Server) *kinesis.Client {
	return kinesis.New(options(s.URL()))
}

// clientWithoutNetwork returns an SDK client whose requests are handed to s in
// the process, so that they take no time in a bubble of virtual time.
func clientWithoutNetwork(s *fakekinesis.Server) *kinesis.Client {
	o := options("http://127.0.0.1")
	o.HTTPClient = inProcess{s}
	return kinesis.New(o)
}

func options(endpoint string) kinesis.Options {
	return kinesis.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
	}
}

// inProcess is an HTTP client that calls a handler.
type inProcess struct{ handler http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders() // as net/http does
	}
	r.Host = r.URL.Host
	answer := httptest.NewRecorder()
	served := make(chan error, 1)
	go func() {
		defer func() {
			if cut := recover(); cut == http.ErrAbortHandler {
				served <- io.ErrUnexpectedEOF
			} else if cut != nil {
				panic(cut)
			}
		}()
		p.handler.ServeHTTP(answer, r)
		served <- nil
	}()
	select {
	case err := <-served:
		if err != nil {
			return nil, err
		}
		return answer.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// serve returns a stand-in with one stream.
func serve(t testing.TB, shards int, options ...fakekinesis.Option) *fakekinesis.Server {
	t.Helper()
	s := fakekinesis.New(options...)
	createStream(t, s, shards)
	return s
}

func createStream(t testing.TB, s *fakekinesis.Server, shards int) {
	t.Helper()
	if _, err := s.CreateStream(fakekinesis.StreamSettings{Name: streamName, Shards: shards}); err != nil {
		t.Fatal(err)
	}
}

// stored counts the records of the stream by their data.
func stored(t testing.TB, s *fakekinesis.Server) map[string]int {
	t.Helper()
	all := map[string]int{}
	each(t, s, func(r fakekinesis.Record) { all[string(r.Data)]++ })
	return all
}

// each calls fn with every record of the stream.
func each(t testing.TB, s *fakekinesis.Server, fn func(fakekinesis.Record)) {
	t.Helper()
	if err := eachOf(s, fn); err != nil {
		t.Fatal(err)
	}
}

func eachOf(s *fakekinesis.Server, fn func(fakekinesis.Record)) error {
	shards, err := s.ShardIDs(streamName)
	if err != nil {
		return err
	}
	for _, shard := range shards {
		for after := ""; ; {
			records, err := s.ReadAfter(streamName, shard, after, 10_000)
			if err != nil {
				return err
			}
			if len(records) == 0 {
				break
			}
			for _, r := range records {
				fn(r)
			}
			after = records[len(records)-1].SequenceNumber
		}
	}
	return nil
}
