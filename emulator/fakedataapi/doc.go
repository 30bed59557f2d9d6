// Package fakedataapi is an in-process stand-in for the Amazon Redshift Data API: its
// protocol, states and limits in front of a [warehouse.Warehouse], which gives SQL its
// meaning.
//
// Start one, point any AWS SDK or the AWS CLI at its URL, and use it:
//
//	s := fakedataapi.New(w, secrets)
//	if err := s.Start(); err != nil { … }
//	defer s.Close()
//	client := redshiftdata.New(redshiftdata.Options{
//		BaseEndpoint: aws.String(s.URL()),
//		Region:       "us-east-1",
//		Credentials:  credentials.NewStaticCredentialsProvider("any", "any", ""),
//	})
//
// [Server.Statements] and [Server.Calls] say what has been asked for. [Server.Control]
// lets a test answer, hold back or cut a request, decide how a statement ends, or hold
// back rows of a result.
//
// Statements run in the background, as they do there: a request that starts one answers
// at once. Expiry of results, sessions and tokens follows the clock ([WithClock]).
//
// Requests are checked as the service checks them. What is not supported is refused,
// never silently accepted; README.md lists it.
package fakedataapi
