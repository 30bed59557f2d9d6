package fakeaws

import "strings"

const (
	roleToken       = "aws:iam/role:Role"
	rolePolicyToken = "aws:iam/rolePolicy:RolePolicy"
)

// roleType is a role: internal/service/iam/role.go, resourceRoleCreate and resourceRoleUpdate.
func roleType() *resourceType {
	return &resourceType{
		token: roleToken, noun: "IAM Role", service: iamService, name: "name", autoname: 64,
		schema: tagged(schema{
			"name":                {replaces: true, check: matching(`[\w+=,.@-]{1,64}`)},
			"assumeRolePolicy":    {required: true, document: true, check: isJSON},
			"description":         {check: matching(`[\t\n\r\x20-\x7E\x{A1}-\x{FF}]{0,1000}`)},
			"path":                {replaces: true, fallback: "/", check: matching(`/|/[\x21-\x7E]{1,510}/`)},
			"maxSessionDuration":  {kind: number, fallback: 3600, check: between(3600, 43200)},
			"forceDetachPolicies": {kind: flag, fallback: false, unread: true},
			"arn":                 {output: true},
			"uniqueId":            {output: true},
			"createDate":          {output: true},
		}),
		create: one("CreateRole", func(o *op) error {
			name := o.in.text("name")
			if o.find(roleToken, name) != nil {
				return o.refuse("EntityAlreadyExists", "Role with name %s already exists.", name)
			}
			o.id = name
			o.props["arn"] = "arn:aws:iam::" + o.Account.id + ":role" + o.in.text("path") + name
			o.props["uniqueId"] = strings.ToUpper(o.newID("AROA", name, 17))
			o.props["createDate"] = o.now().UTC().Format("2006-01-02T15:04:05Z")
			return o.checkTrust()
		}),
		tag: request{api: "TagRole"},
		update: []request{
			{api: "UpdateAssumeRolePolicy", sends: []string{"assumeRolePolicy"}, do: (*op).checkTrust},
			{api: "UpdateRoleDescription", sends: []string{"description"}},
			{api: "UpdateRole", sends: []string{"maxSessionDuration"}},
		},
		delete: request{api: "DeleteRole", do: func(o *op) error {
			if len(o.policiesOf(o.id)) > 0 && !o.state.flag("forceDetachPolicies") {
				return o.refuse("DeleteConflict", "Cannot delete entity, must delete policies first.")
			}
			for _, inline := range o.policiesOf(o.id) {
				o.remove(inline)
			}
			return nil
		}},
	}
}

func (o *op) checkTrust() error {
	document := o.in.text("assumeRolePolicy")
	if _, err := trustPolicy.parse(o.api, document); err != nil {
		return err
	}
	if size(document) > maxTrustPolicy {
		return o.refuse("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", maxTrustPolicy)
	}
	return nil
}

// rolePolicyType is a policy in line in a role. One of the name is overwritten, and an update
// without a difference writes it again: internal/service/iam/role_policy.go,
// resourceRolePolicyPut.
func rolePolicyType() *resourceType {
	return &resourceType{
		token: rolePolicyToken, noun: "IAM Role Policy", service: iamService, name: "name", autoname: 128,
		schema: schema{
			"name":   {replaces: true, check: matching(`[\w+=,.@-]{1,128}`)},
			"role":   {required: true, replaces: true},
			"policy": {required: true, document: true, check: isJSON},
		},
		create: one("PutRolePolicy", func(o *op) error {
			o.id = o.in.text("role") + ":" + o.in.text("name")
			return o.checkInline()
		}),
		update: []request{{api: "PutRolePolicy", always: true, do: (*op).checkInline}},
		delete: request{api: "DeleteRolePolicy"},
	}
}

func (o *op) checkInline() error {
	role, document := o.in.text("role"), o.in.text("policy")
	if o.find(roleToken, role) == nil {
		return o.refuse("NoSuchEntity", "The role with name %s cannot be found.", role)
	}
	if _, err := rolesPolicy.parse(o.api, document); err != nil {
		return err
	}
	total := size(document)
	for _, inline := range o.policiesOf(role) {
		if inline.id != o.id {
			total += size(inline.props.text("policy"))
		}
	}
	if total > maxInlinePolicy {
		return o.refuse("LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s", maxInlinePolicy, role)
	}
	return nil
}
