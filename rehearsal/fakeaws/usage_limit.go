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
			arn, usage, period := o.in.text("resourceArn"), o.in.text("usageType"), o.in.text("period")
			group := first(o.where(workgroupToken, values{"arn": arn}))
			if group == nil {
				return o.refuse("ResourceNotFoundException", "The resource %s was not found.", arn)
			}
			if len(o.where(usageLimitToken, values{"resourceArn": arn, "usageType": usage, "period": period})) > 0 {
				return o.refuse("ConflictException", "A usage limit for %s with the period %s already exists.", usage, period)
			}
			o.id = o.newUUID("usage limit", group.id+usage)
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

// limitsOf returns the usage limits of a workgroup.
func (a *Account) limitsOf(group *thing) []*thing {
	return a.where(usageLimitToken, values{"resourceArn": group.props["arn"]})
}
