// Package fakeaws is an in-process stand-in for Pulumi's AWS provider, release 6.83.2,
// and for the part of an AWS account that it works on.
//
// Make an account, start a provider on it and attach the engine:
//
//	account, err := fakeaws.NewAccount(fakeaws.World{
//		VPCs:    []fakeaws.VPC{…},
//		Secrets: []fakeaws.Secret{{Name: "redshift/admin", Value: `{"username": …}`}},
//	})
//	if err != nil { … }
//	provider, err := fakeaws.Start(account, fakeaws.Options{})
//	if err != nil { … }
//	defer provider.Close()
//	os.Setenv("PULUMI_DEBUG_PROVIDERS", fmt.Sprintf("aws:%d", provider.Port()))
//
// The engine checks, previews, creates, reads, updates and deletes resources over gRPC, and looks
// things up. The methods of [Account] look at what is there, change it behind the engine's
// back, and answer what other services ask: may this role do that ([Account.Authorize]), what is
// in this secret ([Account.SecretValue]), does this workgroup reach that service
// ([Account.Egress]). [Server.Fire] does what a schedule does when its time has come. With
// [Server.Control] a test fails a request before or after it took effect.
//
// What the provider itself refuses is refused in a preview, what only AWS refuses is
// refused in an update, and a diff says what the real one says. A change of a resource is as
// many requests as the provider makes, in its order, and a refused one leaves in the state
// what the provider's bridge leaves there. What a stream, a
// namespace or a workgroup is beyond its properties is up to [Kinesis] and [Redshift], what
// a schedule runs to [DataAPI]. Several engines may be attached at once, each with its own
// settings of the provider.
//
// Ids are the same in each run: they follow from the seed, the resource and how often
// it was made. Lookups answer in an order that no program should rely on.
//
// A resource type is one function in the file of its subject, with its properties on
// top. README.md lists what is not supported; using it is an error.
package fakeaws
