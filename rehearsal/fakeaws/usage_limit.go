package fakeaws

const usageLimitToken = "aws:redshiftserverless/usageLimit:UsageLimit"

// usageLimitType is a ceiling for what a workgroup may use in a period. Each update makes the
// request, which does not carry a usage type: internal/service/redshiftserverless/usage_limit.go,
// resourceUsageLimitUpdate.
// https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_CreateUsageLimit.html
func usageLimitType() *resourceType {
	return &resourceType{
		token: usageLimitToken, noun: "Redshift Serverless Usage Limit", service: redshiftService, invalid: "ValidationException", name: "usageType",
		schema: schema{
			"resourceArn":  {required: true, replaces: true, check: isARN},
			"usageType":    {required: true, check: oneOf("serverless-compute", "cross-region-datasharing")},
			"amount":       {kind: number, required: true},
			"period":       {replaces: true, fallback: "monthly", check: oneOf("daily", "weekly", "monthly")},
			"breachAction": {fallback: "log", check: oneOf("log", "emit-metric", "deactivate")},
			"arn":          {output: true},
		},
		create: one("CreateUsageLimit", func(o *op) error {
			group := o.workgroupWithARN(o.in.text("resourceArn"))
			if group == nil {
				return o.refuse("ResourceNotFoundException",
					"The resource %s was not found.", o.in.text("resourceArn"))
			}
			for _, other := range o.limitsOf(group) {
				if other.props.text("usageType") == o.in.text("usageType") && other.props.text("period") == o.in.text("period") {
					return o.refuse("ConflictException",
						"A usage limit for %s with the period %s already exists.", o.in.text("usageType"), o.in.text("period"))
				}
			}
			o.id = o.newUUID("usage limit", group.id+o.in.text("usageType"))
			o.props["arn"] = o.arn("redshift-serverless", "usagelimit/"+o.id)
			return o.checkAmount()
		}),
		// Nothing says what AWS answers to one that carries nothing: it is taken to be nothing.
		update: []request{{api: "UpdateUsageLimit", sends: []string{"amount", "breachAction"}, always: true, do: (*op).checkAmount}},
		delete: request{api: "DeleteUsageLimit"},
	}
}

func (o *op) checkAmount() error {
	if amount := o.in.number("amount"); amount < 1 {
		return o.refuse("ValidationException", "The amount of a usage limit must be a positive number, not %d.", amount)
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
