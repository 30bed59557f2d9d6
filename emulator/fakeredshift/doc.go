// Package fakeredshift is an in-process stand-in for that part of the Amazon Redshift
// Serverless API which takes snapshots. Namespaces and workgroups are not made here:
// whoever starts it says which there are.
//
// Start one, point any AWS SDK or the AWS CLI at its URL, and use it:
//
//	s := fakeredshift.New(namespaces)
//	if err := s.Start(); err != nil { … }
//	defer s.Close()
//	client := redshiftserverless.New(redshiftserverless.Options{
//		BaseEndpoint: aws.String(s.URL()),
//		Region:       "us-east-1",
//		Credentials:  credentials.NewStaticCredentialsProvider("any", "any", ""),
//	})
//
// It has three doors:
//
//   - the network door, the service's JSON protocol on a loopback port;
//   - the direct door, [Server.Snapshots];
//   - the fault door, [Server.Control], which lets a test answer a request itself or cut
//     the connection, and [Server.Hold], which keeps snapshots from getting ready.
//
// Requests are checked as the service checks them. What is not supported is refused,
// never silently accepted; README.md lists it.
package fakeredshift
