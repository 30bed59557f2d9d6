package fakeaws

import "strings"

const (
	roleToken       = "aws:iam/role:Role"
	rolePolicyToken = "aws:iam/rolePolicy:RolePolicy"
)

func roleType() *resourceType {
	return &resourceType{
		token: roleToken, noun: "IAM Role", name: "name", autoname: 64,
		schema: tagged(schema{
			"name":                {replaces: true, check: matching(`[\w+=,.@-]{1,64}`)},
			"assumeRolePolicy":    {required: true, document: true, check: isJSON},
			"description":         {check: matching(`[\t\n\r\x20-\x7E\x{A1}-\x{FF}]{0,1000}`)},
			"path":                {replaces: true, fallback: "/", check: matching(`/|/[\x21-\x7E]{1,510}/`)},
			"maxSessionDuration":  {kind: number, fallback: 3600, check: between(3600, 43200)},
			"forceDetachPolicies": {kind: flag, fallback: false},
			"arn":                 {output: true},
			"uniqueId":            {output: true},
			"createDate":          {output: true},
		}),
		create: func(o *op) (effect, error) {
			name := o.in.text("name")
			if o.find(roleToken, name) != nil {
				return nil, refuse(iamService, "CreateRole", "EntityAlreadyExists", "Role with name %s already exists.", name)
			}
			o.id = name
			o.props["arn"] = "arn:aws:iam::" + o.Account.id + ":role" + o.in.text("path") + name
			o.props["uniqueId"] = strings.ToUpper(o.newID("AROA", name, 17))
			o.props["createDate"] = o.now().UTC().Format("2006-01-02T15:04:05Z")
			return nil, o.checkTrust("CreateRole")
		},
		update: func(o *op) (effect, error) { return nil, o.checkTrust("UpdateAssumeRolePolicy") },
		delete: func(o *op) (effect, error) {
			if len(o.policiesOf(o.id)) > 0 && !o.old.flag("forceDetachPolicies") {
				return nil, refuse(iamService, "DeleteRole", "DeleteConflict", "Cannot delete entity, must delete policies first.")
			}
			for _, inline := range o.policiesOf(o.id) {
				o.remove(inline)
			}
			return nil, nil
		},
	}
}

func (o *op) checkTrust(operation string) error {
	document := o.in.text("assumeRolePolicy")
	if _, err := trustPolicy.parse(operation, document); err != nil {
		return err
	}
	if size(document) > maxTrustPolicy {
		return refuse(iamService, operation, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", maxTrustPolicy)
	}
	return nil
}

func rolePolicyType() *resourceType {
	return &resourceType{
		token: rolePolicyToken, noun: "IAM Role Policy", name: "name", autoname: 128,
		schema: schema{
			"name":   {replaces: true, check: matching(`[\w+=,.@-]{1,128}`)},
			"role":   {required: true, replaces: true},
			"policy": {required: true, document: true, check: isJSON},
		},
		create: func(o *op) (effect, error) {
			o.id = o.in.text("role") + ":" + o.in.text("name")
			return nil, o.checkInline()
		},
		update: func(o *op) (effect, error) { return nil, o.checkInline() },
		delete: func(*op) (effect, error) { return nil, nil },
	}
}

func (o *op) checkInline() error {
	role, document := o.in.text("role"), o.in.text("policy")
	if o.find(roleToken, role) == nil {
		return refuse(iamService, "PutRolePolicy", "NoSuchEntity", "The role with name %s cannot be found.", role)
	}
	if _, err := rolesPolicy.parse("PutRolePolicy", document); err != nil {
		return err
	}
	total := size(document)
	for _, inline := range o.policiesOf(role) {
		if inline.id != o.id {
			total += size(inline.props.text("policy"))
		}
	}
	if total > maxInlinePolicy {
		return refuse(iamService, "PutRolePolicy", "LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", maxInlinePolicy, role)
	}
	return nil
}
