package warehouse

import (
	"encoding/json"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/redshiftserverless"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// loginSecret returns the ARN of the secret with which the Data API logs in: the
// one that AWS keeps, or the existing one if the Data API can read it, otherwise a
// copy of name and password in the shape that it reads.
func (b *builder) loginSecret(namespace *redshiftserverless.Namespace) (pulumi.StringOutput, error) {
	admin := b.args.Admin
	switch {
	case admin.Managed:
		return keptSecret(namespace), nil
	case admin.Readable:
		return pulumi.String(admin.SecretARN).ToStringOutput(), nil
	}
	args := &secretsmanager.SecretArgs{
		Name:        pulumi.String(b.args.NamespaceName + "-data-api"),
		Description: pulumi.String("Redshift admin of " + b.args.NamespaceName + " as the Data API reads it; copied from " + admin.SecretName),
		// The copy can be made again at any time. Kept for recovery it would
		// hold its name, and the next deployment could not use it.
		RecoveryWindowInDays: pulumi.Int(0),
		Tags:                 b.args.Tags,
	}
	if b.args.KMSKeyARN != "" {
		args.KmsKeyId = pulumi.String(b.args.KMSKeyARN)
	}
	secret, err := secretsmanager.NewSecret(b.ctx, b.part("data-api"), args, b.of)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	text := pulumi.All(admin.Username, admin.Password).ApplyT(func(parts []any) (string, error) {
		encoded, err := json.Marshal(map[string]any{"username": parts[0], "password": parts[1]})
		return string(encoded), err
	}).(pulumi.StringOutput)
	version, err := secretsmanager.NewSecretVersion(b.ctx, b.part("data-api"), &secretsmanager.SecretVersionArgs{
		SecretId:     secret.ID(),
		SecretString: pulumi.ToSecret(text).(pulumi.StringOutput),
	}, b.of)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	// The version's ARN is the secret's, known once there is a value to read.
	return version.Arn, nil
}
