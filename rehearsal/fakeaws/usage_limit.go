package fakeaws

import "fmt"

const usageLimitToken = "aws:redshiftserverless/usageLimit:UsageLimit"

// usageLimitType is a ceiling for what a workgroup may use in a period.
// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_CreateUsageLimit.html
func usageLimitType() *resourceType {
	return &resourceType{
		token: usageLimitToken, noun: "Redshift Serverless Usage Limit", name: "usageType",
		schema: schema{
			"resourceArn":  {required: true, replaces: true, check: isARN},
			"usageType":    {required: true, check: oneOf("serverless-compute", "cross-region-datasharing")},
			"amount":       {kind: number, required: true},
			"period":       {replaces: true, fallback: "monthly", check: oneOf("daily", "weekly", "monthly")},
			"breachAction": {fallback: "log", check: oneOf("log", "emit-metric", "deactivate")},
			"arn":          {output: true},
		},
		create: func(o *op) (effect, error) {
			group := o.workgroupWithARN(o.in.text("resourceArn"))
			if group == nil {
				return nil, refuse(redshiftService, "CreateUsageLimit", "ResourceNotFoundException",
					"The resource %s was not found.", o.in.text("resourceArn"))
			}
			for _, other := range o.limitsOf(group) {
				if other.props.text("usageType") == o.in.text("usageType") && other.props.text("period") == o.in.text("period") {
					return nil, refuse(redshiftService, "CreateUsageLimit", "ConflictException",
						"A usage limit for %s with the period %s already exists.", o.in.text("usageType"), o.in.text("period"))
				}
			}
			o.id = o.newUUID("usage limit", group.id+o.in.text("usageType"))
			o.props["arn"] = o.arn("redshift-serverless", "usagelimit/"+o.id)
			return nil, o.checkAmount("CreateUsageLimit")
		},
		update: func(o *op) (effect, error) {
			if o.changed("usageType") {
				// The provider would send nothing, and show the same change for ever.
				return nil, fmt.Errorf("the usage type of a usage limit can't change, from %s to %s: delete the limit and make another",
					o.old.text("usageType"), o.in.text("usageType"))
			}
			return nil, o.checkAmount("UpdateUsageLimit")
		},
		delete: func(*op) (effect, error) { return nil, nil },
	}
}

func (o *op) checkAmount(operation string) error {
	if amount := o.in.number("amount"); amount < 1 {
		return refuse(redshiftService, operation, "ValidationException", "The amount of a usage limit must be a positive number, not %d.", amount)
	}
	return nil
}

func (a *Account) workgroupWithARN(arn string) *thing {
	for _, group := range a.all(workgroupToken) {
		if group.props.text("arn") == arn {
			return group
		}
	}
	return nil
}

// limitsOf returns the usage limits of a workgroup.
func (a *Account) limitsOf(group *thing) []*thing {
	var limits []*thing
	for _, limit := range a.all(usageLimitToken) {
		if limit.props.text("resourceArn") == group.props.text("arn") {
			limits = append(limits, limit)
		}
	}
	return limits
}
