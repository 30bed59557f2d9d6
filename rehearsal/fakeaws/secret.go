package fakeaws

import (
	"regexp"
	"slices"
	"strings"
)

const (
	secretToken        = "aws:secretsmanager/secret:Secret"
	secretVersionToken = "aws:secretsmanager/secretVersion:SecretVersion"

	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

var secretNaming = matching(`[A-Za-z0-9/_+=.@-]{1,512}`)

func secretName(name string) string { return secretNaming(name) }

// secretType is a secret: internal/service/secretsmanager/secret.go, resourceSecretCreate and
// resourceSecretUpdate.
func secretType() *resourceType {
	return &resourceType{
		token: secretToken, noun: "Secrets Manager Secret", service: secretsService, invalid: "InvalidParameterException", name: "name", autoname: 512,
		schema: tagged(schema{
			"name":        {replaces: true, check: secretNaming},
			"description": {},
			"kmsKeyId":    {},
			"recoveryWindowInDays": {kind: number, fallback: 30, unread: true, check: func(v any) string {
				if v == 0.0 {
					return ""
				}
				return between(7, 30)(v)
			}},
			"forceOverwriteReplicaSecret": {kind: flag, fallback: false, unread: true},
			"arn":                         {output: true},
		}),
		create: one("CreateSecret", func(o *op) error {
			name := o.in.text("name")
			switch {
			case o.scheduled[name]:
				return o.refuse("InvalidRequestException",
					"You can't create this secret because a secret with this name is already scheduled for deletion.")
			case o.secretNamed(name) != nil:
				return o.refuse("ResourceExistsException",
					"The operation failed because the secret %s already exists.", name)
			case len(o.in.text("description")) > 2048:
				return o.refuse("InvalidParameterException", "The description has at most 2048 characters.")
			}
			o.id = o.secretARN(name)
			o.props["arn"] = o.id
			return nil
		}),
		update: []request{{api: "UpdateSecret", sends: []string{"description", "kmsKeyId"}}},
		delete: request{api: "DeleteSecret", do: func(o *op) error {
			if o.state.number("recoveryWindowInDays") > 0 {
				o.scheduled[o.state.text("name")] = true
			}
			o.removeSecret(o.id)
			return nil
		}},
	}
}

func (a *Account) secretARN(name string) string {
	return a.arn("secretsmanager", "secret:"+name+"-"+strings.TrimPrefix(a.newID("secret ", name, 6), "secret "))
}

// putSecret makes a secret that no program asked for, and returns its ARN.
func (a *Account) putSecret(s Secret) string {
	id := a.secretARN(s.Name)
	a.put(&thing{kind: secretType(), id: id, props: values{
		"name": s.Name, "arn": id, "tags": object(s.Tags), "tagsAll": object(s.Tags),
	}})
	a.putValue(id, s.Value)
	return id
}

// putValue gives a secret another current value.
func (a *Account) putValue(secret, value string) {
	version := a.newVersion(secret)
	a.put(&thing{kind: secretVersionType(), id: secret + "|" + version, props: values{
		"secretId": secret, "arn": secret, "secretString": value, "versionId": version, "versionStages": list([]string{current}),
	}})
}

// newVersion makes the id of a secret's next current value, and moves the labels on.
func (a *Account) newVersion(secret string) string {
	if last := a.staged(secret, previous); last != nil {
		a.relabel(last)
	}
	if last := a.staged(secret, current); last != nil {
		a.relabel(last, previous)
	}
	return a.newUUID("version", secret)
}

// removeSecret deletes a secret with its values.
func (a *Account) removeSecret(id string) {
	for _, version := range a.versionsOf(id) {
		a.remove(version)
	}
	delete(a.objects, objectKey{secretToken, id})
}

// SetSecret gives a secret, by ARN or name, another current value, as a rotation or a
// person does. Whoever signs in with it has to learn it by other means.
func (a *Account) SetSecret(id, value string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	secret := a.secretNamed(id)
	if secret == nil {
		return refuse(secretsService, "PutSecretValue", "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	if err := checkSecretValue(value); err != nil {
		return err
	}
	a.putValue(secret.id, value)
	return nil
}

func checkSecretValue(value string) error {
	if len(value) == 0 || len(value) > 65536 {
		return refuse(secretsService, "PutSecretValue", "InvalidParameterException", "A secret has 1 to 65536 bytes, this one %d.", len(value))
	}
	return nil
}

// secretNamed finds a secret by its name or ARN, of which the last part may be missing, unless
// what is left ends as if it were there.
func (a *Account) secretNamed(id string) *thing {
	for _, secret := range a.all(secretToken) {
		if secret.id == id || secret.props.text("name") == id || secret.id[:len(secret.id)-len("-AbCdEf")] == id && !arnEnd.MatchString(id) {
			return secret
		}
	}
	return nil
}

var arnEnd = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)

func (a *Account) versionsOf(secret string) []*thing {
	return a.where(secretVersionToken, values{"arn": secret})
}

// staged returns the version of a secret that carries a label.
func (a *Account) staged(secret, label string) *thing {
	return first(a.where(secretVersionToken, values{"arn": secret, "versionStages": label}))
}

// SecretValue returns the current value of a secret, by ARN or name.
func (a *Account) SecretValue(id string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if secret := a.secretNamed(id); secret != nil {
		if version := a.staged(secret.id, current); version != nil {
			return version.props.text("secretString"), nil
		}
	}
	return "", refuse(secretsService, "GetSecretValue", "ResourceNotFoundException",
		"Secrets Manager can't find the specified secret value for staging label: %s", current)
}

// secretTexts are the values of all secrets, and the passwords in them.
func (a *Account) secretTexts() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var texts []string
	for _, version := range a.all(secretVersionToken) {
		value := version.props.text("secretString")
		texts = append(texts, value)
		for key, field := range parsedObject(value) {
			if password, ok := field.(string); ok && strings.Contains(key, "password") {
				texts = append(texts, password)
			}
		}
	}
	return slices.DeleteFunc(texts, func(text string) bool { return len(text) < 8 })
}

func secretVersionType() *resourceType {
	return &resourceType{
		token: secretVersionToken, noun: "Secrets Manager Secret Version", service: secretsService, invalid: "InvalidParameterException", name: "secretId",
		schema: schema{
			"secretId":      {required: true, replaces: true},
			"secretString":  {required: true, replaces: true, secret: true},
			"arn":           {output: true},
			"versionId":     {output: true},
			"versionStages": {kind: texts, set: true, output: true},
		},
		create: one("PutSecretValue", func(o *op) error {
			secret, value := o.secretNamed(o.in.text("secretId")), o.in.text("secretString")
			if secret == nil {
				return o.refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
			}
			if err := checkSecretValue(value); err != nil {
				return err
			}
			version := o.newVersion(secret.id)
			o.id = o.in.text("secretId") + "|" + version
			o.props["arn"] = secret.id
			o.props["versionId"] = version
			o.props["versionStages"] = list([]string{current})
			return nil
		}),
		delete: request{api: "UpdateSecretVersionStage"},
	}
}

// relabel gives a version of a secret other labels.
func (a *Account) relabel(version *thing, labels ...string) {
	props := version.props.clone()
	props["versionStages"] = list(labels)
	a.put(&thing{kind: version.kind, id: version.id, props: props})
}
