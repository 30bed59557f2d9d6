// Package policy writes the IAM policies of the program's roles and endpoints.
package policy

import (
	"encoding/json"
	"fmt"
)

// A Statement is one statement of an IAM policy.
type Statement struct {
	Sid       string    `json:"Sid,omitempty"`
	Effect    string    `json:"Effect"`
	Principal any       `json:"Principal,omitempty"` // "*", or lists by kind
	Action    []string  `json:"Action"`
	Resource  any       `json:"Resource,omitempty"` // a string, or a list of strings
	Condition Condition `json:"Condition,omitempty"`
}

// A Condition is operator, key and value.
type Condition map[string]map[string]string

// Document returns the JSON of a policy.
func Document(statements ...Statement) (string, error) {
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return "", fmt.Errorf("policy: %w", err)
	}
	return string(document), nil
}

// Allow allows actions on a resource.
func Allow(sid string, resource any, actions ...string) Statement {
	return Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resource}
}

// AllowDecrypt allows the use of whatever key a thing is encrypted with, and for
// that thing alone. The key can't be named, because its owner may know it by an
// alias.
func AllowDecrypt(contextKey, arn string) Statement {
	s := Allow("Decrypt", "*", "kms:Decrypt")
	s.Condition = Condition{"StringEquals": {"kms:EncryptionContext:" + contextKey: arn}}
	return s
}

// TrustedBy lets services of AWS assume a role.
func TrustedBy(services ...string) Statement {
	return Statement{
		Effect:    "Allow",
		Principal: map[string][]string{"Service": services},
		Action:    []string{"sts:AssumeRole"},
	}
}

// ReadStreams is what streaming ingestion needs and no more. The key that AWS
// manages for Kinesis needs no permission.
// https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-streaming-ingestion-getting-started.html
func ReadStreams(streamARN any) []Statement {
	return []Statement{
		Allow("ReadStream", streamARN,
			"kinesis:DescribeStream",
			"kinesis:DescribeStreamSummary",
			"kinesis:GetRecords",
			"kinesis:GetShardIterator",
			"kinesis:ListShards",
		),
		Allow("ListStreams", "*", "kinesis:ListStreams"),
	}
}
