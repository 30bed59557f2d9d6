package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"

	"example.com/evstream/emulator/fakekinesis"
	"example.com/evstream/emulator/fakesecrets"
	"example.com/evstream/rehearsal/fakeaws"
)

// streams makes the account's streams in Kinesis.
type streams struct{ kinesis *fakekinesis.Server }

func (s streams) CreateStream(_ context.Context, stream fakeaws.Stream) error {
	_, err := s.kinesis.CreateStream(streamSettings(stream))
	return err
}

func (s streams) UpdateStream(_ context.Context, stream fakeaws.Stream) error {
	_, err := s.kinesis.UpdateStream(streamSettings(stream))
	return err
}

func (s streams) DeleteStream(_ context.Context, name string) error {
	return s.kinesis.DeleteStream(name)
}

func (s streams) StreamTags(name string) (map[string]string, error) {
	stream, err := s.kinesis.Stream(name)
	return stream.Tags, err
}

func streamSettings(stream fakeaws.Stream) fakekinesis.StreamSettings {
	return fakekinesis.StreamSettings{
		Name:           stream.Name,
		Mode:           stream.Mode,
		Shards:         stream.Shards,
		RetentionHours: stream.RetentionHours,
		KMSKey:         stream.KMSKey,
		Tags:           stream.Tags,
	}
}

// secrets are those of the account, with their current values.
func secrets(account *fakeaws.Account) []fakesecrets.Secret {
	versions := map[string]string{} // by ARN
	var all []fakesecrets.Secret
	for _, r := range account.Resources() {
		arn, _ := r.Properties["arn"].(string)
		switch ShortType(r.Type) {
		case "secretsmanager.SecretVersion":
			if stages, _ := r.Properties["versionStages"].([]any); slices.Contains(stages, any("AWSCURRENT")) {
				versions[arn], _ = r.Properties["versionId"].(string)
			}
		case "secretsmanager.Secret":
			name, _ := r.Properties["name"].(string)
			value, _ := account.SecretValue(arn) // none yet
			all = append(all, fakesecrets.Secret{Name: name, ARN: arn, Value: value, Created: time.Unix(0, 0)})
		}
	}
	for i := range all {
		all[i].VersionID = versions[all[i].ARN]
	}
	return all
}

// statements runs the account's schedules in the Data API.
type statements struct{ client *redshiftdata.Client }

func newStatements(url string) statements {
	return statements{redshiftdata.New(redshiftdata.Options{
		BaseEndpoint: aws.String(url),
		Region:       region,
		Credentials:  credentials.NewStaticCredentialsProvider("AKIASCHEDULER0000000", "rehearsal", ""),
		Retryer:      aws.NopRetryer{}, // the schedule has its own policy
	})}
}

func (s statements) ExecuteStatement(ctx context.Context, st fakeaws.Statement) (func(context.Context) error, error) {
	in := &redshiftdata.ExecuteStatementInput{Sql: aws.String(st.SQL)}
	for field, value := range map[**string]string{
		&in.WorkgroupName: st.Workgroup, &in.Database: st.Database, &in.SecretArn: st.SecretARN, &in.StatementName: st.Name,
	} {
		if value != "" {
			*field = aws.String(value)
		}
	}
	started, err := s.client.ExecuteStatement(ctx, in)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return s.wait(ctx, started.Id) }, nil
}

// wait waits for the end of a statement.
func (s statements) wait(ctx context.Context, id *string) error {
	for {
		state, err := s.client.DescribeStatement(ctx, &redshiftdata.DescribeStatementInput{Id: id})
		if err != nil {
			return err
		}
		switch state.Status {
		case types.StatusStringFinished:
			return nil
		case types.StatusStringFailed:
			return errors.New(aws.ToString(state.Error))
		case types.StatusStringAborted:
			return fmt.Errorf("the statement %s was cancelled", *id)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
