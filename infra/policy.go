package infra

import (
	"encoding/json"
	"fmt"
)

// statement is one statement of an IAM policy.
type statement struct {
	Sid       string    `json:"Sid,omitempty"`
	Effect    string    `json:"Effect"`
	Principal any       `json:"Principal,omitempty"` // "*", or lists by kind
	Action    []string  `json:"Action"`
	Resource  string    `json:"Resource,omitempty"`
	Condition condition `json:"Condition,omitempty"`
}

// condition is operator, key and value.
type condition map[string]map[string]string

func policyDocument(statements ...statement) (string, error) {
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return "", fmt.Errorf("policy: %w", err)
	}
	return string(document), nil
}

// decrypts allows the use of whatever key a thing is encrypted with, and for that
// thing alone. The key can't be named, because its owner may know it by an alias.
func decrypts(contextKey, arn string) statement {
	return statement{
		Sid:       "Decrypt",
		Effect:    "Allow",
		Action:    []string{"kms:Decrypt"},
		Resource:  "*",
		Condition: condition{"StringEquals": {"kms:EncryptionContext:" + contextKey: arn}},
	}
}
