package rehearsal

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

// TestMoveHere: a stack file with the names of a real account can be rehearsed.
func TestMoveHere(t *testing.T) {
	settings := config.Map{}
	for name, value := range map[string]string{
		"aws:region": "eu-west-1", "aws:profile": "work",
		"ev-streaming:vpcId": "vpc-01234567", "ev-streaming:subnetIds": "[]", "ev-streaming:secretName": "team/redshift",
		"ev-streaming:kmsKeyArn":     "arn:aws:kms:eu-west-1:111122223333:key/x",
		"ev-streaming:alarmTopicArn": "arn:aws:sns:eu-west-1:111122223333:on-call",
		"ev-streaming:streamName":    "charging", "ev-streaming:existingStreamName": "",
	} {
		settings[config.MustParseKey(name)] = config.NewValue(value)
	}
	moveHere(settings)
	for name, want := range map[string]string{
		"aws:region": "us-east-1", "ev-streaming:vpcName": "data-platform", "ev-streaming:secretName": "redshift/admin",
		"ev-streaming:kmsKeyArn":     "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"ev-streaming:alarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms",
		"ev-streaming:streamName":    "charging", "ev-streaming:existingStreamName": "",
	} {
		if got, err := settings[config.MustParseKey(name)].Value(config.NopDecrypter); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"aws:profile", "ev-streaming:vpcId", "ev-streaming:subnetIds"} {
		if _, there := settings[config.MustParseKey(name)]; there {
			t.Errorf("%s is still there", name)
		}
	}
}
