// Package arn writes Amazon Resource Names.
package arn

import "fmt"

// Scope is where a deployment goes: one region of one account.
type Scope struct {
	Partition, Region, Account string
}

// Of returns the ARN of a service's resource in the region.
func (s Scope) Of(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", s.Partition, service, s.Region, s.Account, resource)
}

// Role returns the ARN of a role, which belongs to no region.
func (s Scope) Role(name string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", s.Partition, s.Account, name)
}

// Stream returns the ARN of a Kinesis data stream.
func (s Scope) Stream(name string) string { return s.Of("kinesis", "stream/"+name) }

// Endpoint is the name by which a VPC's interface endpoints know a service.
func (s Scope) Endpoint(service string) string {
	return fmt.Sprintf("com.amazonaws.%s.%s", s.Region, service)
}
