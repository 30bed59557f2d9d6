package fakeaws

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// policy is an IAM policy document, as far as the stand-in evaluates it.
type policy struct {
	Version   string
	Statement oneOrMore[statement]
}

// statement is one statement that allows something.
type statement struct {
	Sid       string
	Effect    string
	Principal *principal
	Action    oneOrMore[string]
	Resource  oneOrMore[string]
}

type principal struct {
	Service oneOrMore[string]
}

// oneOrMore is a value that JSON gives alone or in a list.
type oneOrMore[T any] []T

func (o *oneOrMore[T]) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return strictly(text, (*[]T)(o))
	}
	var one T
	if err := strictly(text, &one); err != nil {
		return err
	}
	*o = []T{one}
	return nil
}

// strictly refuses fields that the stand-in does not evaluate.
func strictly(text []byte, into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// IAM's limits for a document, in characters without white space.
const (
	maxTrustPolicy  = 2048
	maxInlinePolicy = 10240 // all inline policies of a role together
)

// parsePolicy reads a document that IAM takes, either a role's trust policy or one that
// says what a role may do.
func parsePolicy(operation, document string, trust bool) (policy, error) {
	malformed := func(format string, args ...any) (policy, error) {
		return policy{}, refuse(iamService, operation, "MalformedPolicyDocument", format, args...)
	}
	var p policy
	if err := strictly([]byte(document), &p); err != nil {
		return policy{}, fmt.Errorf("the stand-in does not support this policy: %w", err)
	}
	if p.Version != "" && p.Version != "2012-10-17" && p.Version != "2008-10-17" {
		return malformed("The policy must contain a valid version string")
	}
	if len(p.Statement) == 0 {
		return malformed("Syntax errors in policy.")
	}
	for _, s := range p.Statement {
		switch {
		case s.Effect == "Deny":
			return policy{}, fmt.Errorf("the stand-in does not support Deny in a policy")
		case s.Effect != "Allow":
			return malformed("Invalid effect: %s", s.Effect)
		case len(s.Action) == 0:
			return malformed("Policy statement must contain actions.")
		case trust && len(s.Resource) > 0:
			return malformed("Has prohibited field Resource")
		case trust && (s.Principal == nil || len(s.Principal.Service) == 0):
			return malformed("Missing required field Principal")
		case !trust && s.Principal != nil:
			return malformed("Policy document should not specify a principal.")
		case !trust && len(s.Resource) == 0:
			return malformed("Policy statement must contain resources.")
		}
		for _, action := range s.Action {
			if action != "*" && !strings.Contains(action, ":") {
				return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
		}
		for _, resource := range s.Resource {
			if resource != "*" && !strings.HasPrefix(resource, "arn:") {
				return malformed("Resource %s must be in ARN format or \"*\".", resource)
			}
		}
		if s.Principal == nil {
			continue
		}
		for _, service := range s.Principal.Service {
			if !strings.HasSuffix(service, ".amazonaws.com") {
				return malformed("Invalid principal in policy: \"SERVICE\":%q", service)
			}
		}
	}
	return p, nil
}

// size counts as IAM does: white space is free.
func size(document string) int { return len(strings.Join(strings.Fields(document), "")) }

// allows says whether a statement allows an action on a resource.
func (p policy) allows(action, resource string) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		return slices.ContainsFunc(s.Action, func(a string) bool { return like(strings.ToLower(a), strings.ToLower(action)) }) &&
			slices.ContainsFunc(s.Resource, func(r string) bool { return like(r, resource) })
	})
}

// trusts says whether a trust policy lets a service take the role on.
func (p policy) trusts(service string) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		return slices.Contains(s.Principal.Service, service) &&
			slices.ContainsFunc(s.Action, func(a string) bool { return like(strings.ToLower(a), "sts:assumerole") })
	})
}

// like matches with IAM's wildcards: * for any characters, ? for one.
func like(pattern, text string) bool {
	pattern = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`(?s)^` + pattern + `$`).MatchString(text)
}

// Authorize says whether a service, for example redshift.amazonaws.com, may take a role
// on and do an action, for example kinesis:GetRecords, on a resource, an ARN or "*". The
// error says which of the two IAM refuses and why; nil is yes. Only what the role's trust
// policy and its inline policies allow is allowed.
func (a *Account) Authorize(roleARN, service, action, resource string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, role := range a.all(roleToken) {
		if role.props.text("arn") != roleARN {
			continue
		}
		trust, err := parsePolicy("AssumeRole", role.props.text("assumeRolePolicy"), true)
		if err != nil {
			return err
		}
		if !trust.trusts(service) {
			return fmt.Errorf("%s is not authorized to assume the IAM role %s: its trust policy does not name it", service, roleARN)
		}
		if strings.EqualFold(action, "sts:AssumeRole") {
			return nil
		}
		for _, inline := range a.policiesOf(role.id) {
			allowed, err := parsePolicy("GetRolePolicy", inline.props.text("policy"), false)
			if err != nil {
				return err
			}
			if allowed.allows(action, resource) {
				return nil
			}
		}
		return fmt.Errorf("%s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
			roleARN, action, resource, action)
	}
	return fmt.Errorf("%s is not authorized to assume the IAM role %s: there is no such role", service, roleARN)
}

// policiesOf returns the inline policies of a role.
func (a *Account) policiesOf(role string) []*thing {
	return slices.DeleteFunc(a.all(rolePolicyToken), func(t *thing) bool { return t.props.text("role") != role })
}
