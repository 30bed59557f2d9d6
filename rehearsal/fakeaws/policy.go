package fakeaws

import (
	"encoding/json"
	"errors"
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
	Condition conditions
}

// principal are the services and the identities that a policy names.
type principal struct {
	Service oneOrMore[string]
	AWS     oneOrMore[string]
}

// UnmarshalJSON also takes the short form of everyone.
func (p *principal) UnmarshalJSON(text []byte) error {
	if string(text) == `"*"` {
		*p = principal{AWS: []string{"*"}}
		return nil
	}
	type plain principal
	return strictly(text, (*plain)(p))
}

// conditions are what a statement asks of a request besides: by operator and key, one of
// some values.
type conditions map[string]map[string]oneOrMore[string]

// The operators and keys that the stand-in evaluates.
var (
	conditionOperators = []string{"StringEquals", "StringLike", "ArnEquals", "ArnLike"}
	conditionKeys      = []string{"aws:sourceaccount", "aws:sourcearn", "aws:principalaccount", "aws:principalarn", "aws:resourceaccount"}

	// encryptionContext begins the keys that narrow the use of a KMS key down. Nothing is
	// asked with them.
	encryptionContext = "kms:encryptioncontext:"
)

// check says what of the conditions the stand-in does not evaluate.
func (c conditions) check() error {
	for operator, keys := range c {
		if !slices.Contains(conditionOperators, operator) {
			return fmt.Errorf("the stand-in does not support the condition operator %s in a policy", operator)
		}
		for key := range keys {
			if lower := strings.ToLower(key); !slices.Contains(conditionKeys, lower) && !strings.HasPrefix(lower, encryptionContext) {
				return fmt.Errorf("the stand-in does not support the condition key %s in a policy", key)
			}
		}
	}
	return nil
}

// hold says whether a request meets all conditions. A key that the request lacks meets
// none.
func (c conditions) hold(r question) bool {
	for operator, keys := range c {
		for key, wanted := range keys {
			have, given := r.context[strings.ToLower(key)]
			meets := func(want string) bool {
				return want == have || operator != "StringEquals" && like(want, have)
			}
			if !given || !slices.ContainsFunc(wanted, meets) {
				return false
			}
		}
	}
	return true
}

// question is what a policy is asked about.
type question struct {
	service          string // that takes a role on
	principal        string // ARN of the role that acts, "" when a service does
	action, resource string
	context          map[string]string // by condition key, in lower case
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

// policyKind is what a document is for, which decides what it names.
type policyKind struct {
	service, code        string // of the refusal of one that is malformed
	principals, resource bool
	services             bool // only services are principals
}

var (
	trustPolicy    = policyKind{service: iamService, code: "MalformedPolicyDocument", principals: true, services: true}
	rolesPolicy    = policyKind{service: iamService, code: "MalformedPolicyDocument", resource: true}
	endpointPolicy = policyKind{service: ec2Service, code: "InvalidPolicyDocument", principals: true, resource: true}
)

// parse reads a document that AWS takes in the k.
func (k policyKind) parse(operation, document string) (policy, error) {
	var p policy
	if err := strictly([]byte(document), &p); err != nil {
		return policy{}, fmt.Errorf("the stand-in does not support this policy: %w", err)
	}
	if p.Version != "" && p.Version != "2012-10-17" && p.Version != "2008-10-17" {
		return policy{}, refuse(k.service, operation, k.code, "The policy must contain a valid version string")
	}
	if len(p.Statement) == 0 {
		return policy{}, refuse(k.service, operation, k.code, "Syntax errors in policy.")
	}
	for _, s := range p.Statement {
		if malformed, err := k.check(s); err != nil {
			return policy{}, err
		} else if malformed != "" {
			return policy{}, refuse(k.service, operation, k.code, "%s", malformed)
		}
	}
	return p, nil
}

// check says what is malformed in a statement. The error is about what the stand-in does not
// support.
func (k policyKind) check(s statement) (malformed string, err error) {
	switch {
	case s.Effect == "Deny":
		return "", errors.New("the stand-in does not support Deny in a policy")
	case s.Effect != "Allow":
		return "Invalid effect: " + s.Effect, nil
	case len(s.Action) == 0:
		return "Policy statement must contain actions.", nil
	case !k.resource && len(s.Resource) > 0:
		return "Has prohibited field Resource", nil
	case k.services && s.Principal != nil && len(s.Principal.AWS) > 0:
		return "", errors.New("the stand-in supports only services as principals of a role's trust policy")
	case k.principals && (s.Principal == nil || len(s.Principal.Service)+len(s.Principal.AWS) == 0):
		return "Missing required field Principal", nil
	case !k.principals && s.Principal != nil:
		return "Policy document should not specify a principal.", nil
	case k.resource && len(s.Resource) == 0:
		return "Policy statement must contain resources.", nil
	}
	return s.checkNames(), s.Condition.check()
}

// checkNames says which action, resource or service of a statement has no such form.
func (s statement) checkNames() (malformed string) {
	for _, action := range s.Action {
		if action != "*" && !strings.Contains(action, ":") {
			return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
		}
	}
	for _, resource := range s.Resource {
		if resource != "*" && !strings.HasPrefix(resource, "arn:") {
			return fmt.Sprintf("Resource %s must be in ARN format or \"*\".", resource)
		}
	}
	if s.Principal == nil {
		return ""
	}
	for _, service := range s.Principal.Service {
		if !strings.HasSuffix(service, ".amazonaws.com") {
			return fmt.Sprintf("Invalid principal in policy: \"SERVICE\":%q", service)
		}
	}
	return ""
}

// size counts as IAM does: white space is free.
func size(document string) int { return len(strings.Join(strings.Fields(document), "")) }

// allows says whether a statement allows a request.
func (p policy) allows(r question) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		return s.Principal.is(r) && s.Condition.hold(r) &&
			slices.ContainsFunc(s.Action, func(a string) bool { return like(strings.ToLower(a), strings.ToLower(r.action)) }) &&
			(len(s.Resource) == 0 || slices.ContainsFunc(s.Resource, func(pattern string) bool { return like(pattern, r.resource) }))
	})
}

// is says whether a policy's principals, if it names any, include who makes a request.
func (p *principal) is(r question) bool {
	if p == nil {
		return true
	}
	account := r.context["aws:principalaccount"]
	return slices.Contains(p.Service, r.service) && r.principal == "" || slices.ContainsFunc(p.AWS, func(named string) bool {
		return named == "*" || r.principal != "" && slices.Contains([]string{r.principal, account, "arn:aws:iam::" + account + ":root"}, named)
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
	return a.authorize(roleARN, service, action, resource)
}

func (a *Account) authorize(roleARN, service, action, resource string) error {
	role := first(a.where(roleToken, values{"arn": roleARN}))
	if role == nil {
		return fmt.Errorf("%s is not authorized to assume the IAM role %s: there is no such role", service, roleARN)
	}
	trust, err := trustPolicy.parse("AssumeRole", role.props.text("assumeRolePolicy"))
	if err != nil {
		return err
	}
	if !trust.allows(question{service: service, action: "sts:AssumeRole", resource: roleARN, context: a.callContext(service)}) {
		return fmt.Errorf("%s is not authorized to assume the IAM role %s: its trust policy does not allow it", service, roleARN)
	}
	if strings.EqualFold(action, "sts:AssumeRole") {
		return nil
	}
	for _, inline := range a.policiesOf(role.id) {
		allowed, err := rolesPolicy.parse("GetRolePolicy", inline.props.text("policy"))
		if err != nil {
			return err
		}
		if allowed.allows(a.requestOf(roleARN, action, resource)) {
			return nil
		}
	}
	return fmt.Errorf("%s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		roleARN, action, resource, action)
}

// callContext is what a service says about itself when it takes a role on. Redshift's
// documentation does not say that it says anything. The scheduler names the schedule's
// group, not the schedule:
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func (a *Account) callContext(service string) map[string]string {
	if service != schedulerPrincipal {
		return nil
	}
	return map[string]string{"aws:sourceaccount": a.id, "aws:sourcearn": a.arn("scheduler", "schedule-group/default")}
}

// requestOf is what a role of the account asks for in it.
func (a *Account) requestOf(roleARN, action, resource string) question {
	return question{principal: roleARN, action: action, resource: resource, context: map[string]string{
		"aws:principalaccount": a.id, "aws:principalarn": roleARN, "aws:resourceaccount": a.id,
	}}
}

// policiesOf returns the inline policies of a role.
func (a *Account) policiesOf(role string) []*thing {
	return a.where(rolePolicyToken, values{"role": role})
}
