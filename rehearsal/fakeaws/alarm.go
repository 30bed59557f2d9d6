package fakeaws

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const alarmToken = "aws:cloudwatch/metricAlarm:MetricAlarm"

var statistics = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

// alarmType is an alarm on one metric or on an expression over several. An alarm of the name is
// overwritten: internal/service/cloudwatch/metric_alarm.go, resourceMetricAlarmCreate, which
// refuses it only from 6.x on.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func alarmType() *resourceType {
	// 20 s came with a later release of the provider.
	period := func(seconds ...int) func(any) string {
		return func(v any) string {
			if n := int(v.(float64)); !slices.Contains(seconds, n) && n%60 != 0 {
				return fmt.Sprintf("expected period to be one of %v or divisible by 60, got %d", seconds, n)
			}
			return ""
		}
	}
	actions := property{kind: texts, set: true, check: func(v any) string {
		if len(each(v)) > 5 {
			return fmt.Sprintf("expected at most 5 actions, got %d", len(each(v)))
		}
		return isARN(v)
	}}
	atLeastOne := func(v any) string {
		if v.(float64) < 1 {
			return fmt.Sprintf("expected to be at least (1), got %v", v)
		}
		return ""
	}
	return &resourceType{
		token: alarmToken, noun: "CloudWatch Metric Alarm", service: cloudWatchService, invalid: "ValidationError", name: "name", autoname: 255,
		schema: tagged(schema{
			"name":             {replaces: true, check: matching(`.{1,255}`)},
			"alarmDescription": {check: upTo(1024)},
			"comparisonOperator": {required: true, check: oneOf("GreaterThanOrEqualToThreshold", "GreaterThanThreshold",
				"LessThanThreshold", "LessThanOrEqualToThreshold")},
			"evaluationPeriods": {kind: number, required: true, check: atLeastOne},
			"datapointsToAlarm": {kind: number, check: atLeastOne},
			"threshold":         {kind: decimal, required: true},
			"metricName":        {check: matching(`.{1,255}`)},
			"namespace":         {check: matching(`[^:].{0,254}`)},
			"dimensions":        {kind: textMap},
			"period":            {kind: number, check: period(10, 30)},
			"statistic":         {check: oneOf(statistics...)},
			"metricQueries": {kind: someObjects, set: true, fields: schema{
				"id": {}, "expression": {}, "label": {}, "returnData": {kind: flag},
				"metric": {kind: anObject, fields: schema{
					"metricName": {}, "namespace": {}, "dimensions": {kind: textMap}, "period": {kind: number, check: period(1, 5, 10, 30)}, "stat": {},
				}},
			}},
			"treatMissingData":        {fallback: "missing", check: oneOf("breaching", "notBreaching", "ignore", "missing")},
			"actionsEnabled":          {kind: flag, fallback: true},
			"alarmActions":            actions,
			"okActions":               actions,
			"insufficientDataActions": actions,
			"arn":                     {output: true},
		}),
		refine: func(in, _ values) error {
			if in.has("metricName") == in.has("metricQueries") {
				return errors.New(`invalid combination of arguments: exactly one of "metric_name" and "metric_query" must be specified`)
			}
			if in.has("metricName") && !in.has("statistic") {
				return errors.New("one of `statistic` or `extended_statistic` must be set for a cloudwatch metric alarm")
			}
			for _, key := range []string{"namespace", "dimensions", "period", "statistic"} {
				if in.has(key) && in.has("metricQueries") {
					return fmt.Errorf("%q: conflicts with metric_query", key)
				}
			}
			return nil
		},
		create: one("PutMetricAlarm", func(o *op) error {
			o.id = o.in.text("name")
			o.props["arn"] = o.arn("cloudwatch", "alarm:"+o.id)
			return o.checkAlarm()
		}),
		update: one("PutMetricAlarm", (*op).checkAlarm),
		delete: request{api: "DeleteAlarms"},
	}
}

// checkAlarm says what CloudWatch refuses, and what it takes though it can't work.
func (o *op) checkAlarm() error {
	for _, key := range []string{"alarmActions", "okActions", "insufficientDataActions"} {
		for _, action := range o.in.texts(key) {
			if parts := strings.Split(action, ":"); parts[2] == "sns" && parts[3] != o.region {
				return o.invalid("Invalid region %s specified. Only %s is supported.", parts[3], o.region)
			}
		}
	}
	periods := o.in.number("evaluationPeriods")
	if points := o.in.number("datapointsToAlarm"); points > periods {
		return o.invalid("The parameter DatapointsToAlarm, %d, must be less than or equal to EvaluationPeriods, %d", points, periods)
	}
	if o.in.has("metricQueries") {
		return o.checkQueries(periods)
	}
	if !o.in.has("namespace") || !o.in.has("period") {
		return o.invalid("MetricName, Namespace, Statistic and Period are required for an alarm on a metric")
	}
	if err := checkMetric(o.in.text("namespace"), o.in.text("metricName"), o.in.textMap("dimensions")); err != nil {
		return fmt.Errorf("the alarm would never have data: %w", err)
	}
	return o.checkWindow(o.in.number("period"), periods)
}

// checkWindow refuses to look back further than CloudWatch does.
func (o *op) checkWindow(period, periods int) error {
	switch window := period * periods; {
	case period < 60:
		return fmt.Errorf("the alarm would hardly have data: no service's metric comes more often than each minute, and its period is %d s", period)
	case period < 3600 && window > 86400:
		return o.invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), not %d", window)
	case window > 604800:
		return o.invalid("Metrics cannot be checked across more than 7 days (EvaluationPeriods * Period must be <= 604800), not %d", window)
	}
	return nil
}

var (
	queryID    = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)
	queryStat  = regexp.MustCompile(`^(SampleCount|Average|Sum|Minimum|Maximum|p\d{1,2}(\.\d+)?)$`)
	quoted     = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	identifier = regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9_]*`)
)

// checkQueries checks an alarm on an expression.
func (o *op) checkQueries(periods int) error {
	queries := o.in.objects("metricQueries")
	ids, returned, metrics := []string{}, 0, 0
	for _, query := range queries {
		id := query.text("id")
		switch {
		case !queryID.MatchString(id):
			return o.invalid("The id %q of a metric query must begin with a lower-case letter, and have letters, digits and _ only", id)
		case slices.Contains(ids, id):
			return o.invalid("The id %s of a metric query is there twice", id)
		case query.has("metric") == query.has("expression"):
			return o.invalid("The metric query %s must have either a metric or an expression", id)
		}
		ids = append(ids, id)
		if query.flag("returnData") {
			returned++
		}
		if query.has("metric") {
			metrics++
		}
	}
	switch {
	case returned != 1:
		return o.invalid("Exactly one element of the metrics list should return data, not %d.", returned)
	case metrics > 10 || len(queries)-metrics > 10:
		return o.invalid("An alarm has up to 10 metrics and 10 expressions, not %d and %d", metrics, len(queries)-metrics)
	}
	for _, query := range queries {
		metric := query.object("metric")
		if metric == nil {
			if slices.Contains(namesIn(query.text("expression")), "SEARCH") {
				return o.invalid("SEARCH is not supported on Metric Alarms")
			}
			if err := checkExpression(query.text("expression"), ids); err != nil {
				return o.invalid("Error in expression '%s': %v", query.text("id"), err)
			}
			continue
		}
		if stat := metric.text("stat"); !queryStat.MatchString(stat) {
			return o.invalid("The statistic %q of the metric query %s is none", stat, query.text("id"))
		}
		if err := checkMetric(metric.text("namespace"), metric.text("metricName"), metric.textMap("dimensions")); err != nil {
			return fmt.Errorf("the metric query %s of the alarm would never have data: %w", query.text("id"), err)
		}
		if err := o.checkWindow(metric.number("period"), periods); err != nil {
			return err
		}
	}
	return nil
}

// checkExpression says whether an expression is over queries that are there. Functions are
// in capitals; whether they are called rightly it does not know.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
func checkExpression(expression string, ids []string) error {
	if expression == "" {
		return errors.New("it is empty")
	}
	for _, name := range namesIn(expression) {
		if name != strings.ToUpper(name) && !slices.Contains(ids, name) {
			return fmt.Errorf("there is no metric query %s", name)
		}
	}
	return nil
}

// namesIn are the names of functions and queries in an expression.
func namesIn(expression string) []string {
	return identifier.FindAllString(quoted.ReplaceAllString(expression, ""), -1)
}
