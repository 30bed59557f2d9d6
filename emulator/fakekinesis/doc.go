// Package fakekinesis is an in-process stand-in for Amazon Kinesis Data Streams,
// to Kinesis what net/http/httptest is to a web server.
//
// Start one, point any AWS SDK or the AWS CLI at its URL, and use it:
//
//	s := fakekinesis.New()
//	if err := s.Start(); err != nil { … }
//	defer s.Close()
//	client := kinesis.New(kinesis.Options{
//		BaseEndpoint: aws.String(s.URL()),
//		Region:       "us-east-1",
//		Credentials:  credentials.NewStaticCredentialsProvider("any", "any", ""),
//	})
//
// Clients use the service's JSON protocol on a loopback port. A test makes streams and
// reads and writes records without a request ([Server.CreateStream], [Server.Put],
// [Server.ReadAfter] and others), and decides with [Server.Control] what happens to a
// request: an error, a delay, a cut connection.
//
// Time is in the test's hand ([WithClock]): states, retention, iterator expiry and
// throughput limits follow that clock, and nothing happens in the background.
// Requests are checked as the service checks them. What is not supported is refused,
// never silently accepted; README.md lists it.
package fakekinesis
