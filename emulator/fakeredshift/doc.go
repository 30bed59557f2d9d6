// Package fakeredshift is an in-process stand-in for the Amazon Redshift Serverless API:
// namespaces, workgroups and snapshots. They are in a [warehouse.Warehouse], where SQL finds
// them.
//
// Start one, point any AWS SDK or the AWS CLI at its URL, and use it:
//
//	s := fakeredshift.New(w)
//	if err := s.Start(); err != nil { … }
//	defer s.Close()
//	client := redshiftserverless.New(redshiftserverless.Options{
//		BaseEndpoint: aws.String(s.URL()),
//		Region:       "us-east-1",
//		Credentials:  credentials.NewStaticCredentialsProvider("any", "any", ""),
//	})
//
// The methods of [Server] make, change and delete namespaces and workgroups without a
// request; [Server.Control] lets a test answer a request itself or cut the connection, and
// [Server.Hold] keeps snapshots from getting ready.
//
// Requests are checked as the service checks them. What is not supported is refused,
// never silently accepted; README.md of the emulator lists it.
package fakeredshift
