package fakeaws_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func alarmInputs(changes ...any) props {
	return with(props{
		"name": "lag", "namespace": "AWS/Kinesis", "metricName": "GetRecords.IteratorAgeMilliseconds", "dimensions": props{"StreamName": "ev"},
		"statistic": "Maximum", "period": 60, "evaluationPeriods": 5, "threshold": 900000, "comparisonOperator": "GreaterThanThreshold",
		"treatMissingData": "breaching", "alarmActions": []any{"arn:aws:sns:us-east-1:123456789012:alarms"},
	}, changes...)
}

func metricQuery(id string, changes ...any) props {
	return props{"id": id, "metric": with(props{
		"namespace": "AWS/Redshift-Serverless", "metricName": "QueriesFailed", "dimensions": props{"QueryType": "SELECT", "Workgroup": "ev-dev"},
		"stat": "Sum", "period": 300,
	}, changes...)}
}

// sumInputs is an alarm on an expression over some queries.
func sumInputs(expression string, queries ...any) props {
	return props{
		"name": "failed", "evaluationPeriods": 1, "threshold": 0.5, "comparisonOperator": "GreaterThanThreshold",
		"metricQueries": append([]any{props{"id": "sum", "expression": expression, "returnData": true}}, queries...),
	}
}

func TestAlarm(t *testing.T) {
	b := start(t)
	m := b.mustCreate("alarm", "a", alarmInputs())
	want := with(alarmInputs("period", 60.0, "evaluationPeriods", 5.0, "threshold", 900000.0),
		"arn", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:lag", "actionsEnabled", true, "tagsAll", props{})
	if diff := cmp.Diff(want, shown(m.state)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if changes, _, err := b.diff(m, alarmInputs("threshold", 0.5)); err != nil || !cmp.Equal(changes, map[string]string{"threshold": "update"}) {
		t.Errorf("another threshold changes %v, %v", changes, err)
	}
	b.mustUpdate(m, alarmInputs("threshold", 0.5))
	b.mustCreate("alarm", "sum", sumInputs("SUM(METRICS())", metricQuery("a"), metricQuery("b", "dimensions", props{"QueryType": "OTHER", "Workgroup": "ev-dev"})))
}

func TestAlarmRefused(t *testing.T) {
	eleven := []any{}
	for i := range 11 {
		eleven = append(eleven, metricQuery(fmt.Sprint("m", i)))
	}
	ofRedshift := func(metric string, dimensions props) []any {
		return []any{"namespace", "AWS/Redshift-Serverless", "metricName", metric, "dimensions", dimensions}
	}
	b := start(t)
	for _, c := range []struct {
		name string
		in   props
		want string
	}{
		{"a metric that is misspelt", alarmInputs("metricName", "GetRecords.IteratorAgeMiliseconds"), `AWS/Kinesis documents no metric "GetRecords.IteratorAgeMiliseconds"`},
		{"a metric that is retired", alarmInputs("metricName", "GetRecords.IteratorAge"), "documents no metric"},
		{"a namespace that is misspelt", alarmInputs("namespace", "AWS/RedshiftServerless"), `does not know the metrics of the namespace "AWS/RedshiftServerless"`},
		{"a dimension that is misspelt", alarmInputs("dimensions", props{"Stream": "ev"}), "with the dimensions {Stream}, only with {StreamName}"},
		{"no dimension", alarmInputs("dimensions", nil), "with the dimensions {}, only with {StreamName}"},
		{"failed queries of all types", alarmInputs(ofRedshift("QueriesFailed", props{"Workgroup": "ev-dev"})...), "only with {QueryType, Workgroup} and {Database, QueryType, Workgroup}"},
		{"a type of query", alarmInputs(ofRedshift("QueriesFailed", props{"Workgroup": "ev-dev", "QueryType": "REFRESH"})...), `with a QueryType of "REFRESH", only of INSERT`},
		{"a type of use as the API has it", alarmInputs(ofRedshift("UsageLimitConsumed", props{"Workgroup": "ev-dev", "UsageLimitId": "x", "UsageType": "serverless-compute"})...), "only of SERVERLESS_COMPUTE"},
		{"storage of a workgroup", alarmInputs(ofRedshift("DataStorage", props{"Workgroup": "ev-dev"})...), "only with {Namespace}"},
		{"a period between the steps", alarmInputs("period", 90), "divisible by 60, got 90"},
		{"a period of a later release of the provider", alarmInputs("period", 20), "expected period to be one of [10 30] or divisible by 60, got 20"},
		{"a period of a query", sumInputs("a", metricQuery("a", "period", 90)), "expected period to be one of [1 5 10 30] or divisible by 60, got 90"},
		{"a period under a minute", alarmInputs("period", 30), "no service's metric comes more often than each minute"},
		{"more than a day", alarmInputs("period", 1800, "evaluationPeriods", 49), "must be <= 86400), not 88200"},
		{"more than a week", alarmInputs("period", 86400, "evaluationPeriods", 8), "must be <= 604800), not 691200"},
		{"more points than periods", alarmInputs("datapointsToAlarm", 6), "DatapointsToAlarm, 6, must be less than or equal to EvaluationPeriods, 5"},
		{"no periods", alarmInputs("evaluationPeriods", 0), "expected to be at least (1), got 0"},
		{"a comparison", alarmInputs("comparisonOperator", ">"), "got >"},
		{"a statistic", alarmInputs("statistic", "Median"), "got Median"},
		{"no statistic", alarmInputs("statistic", nil), "one of `statistic` or `extended_statistic` must be set"},
		{"what missing data mean", alarmInputs("treatMissingData", "bad"), "got bad"},
		{"a topic in another region", alarmInputs("alarmActions", []any{"arn:aws:sns:eu-west-1:123456789012:alarms"}), "Invalid region eu-west-1 specified. Only us-east-1 is supported."},
		{"a topic by name", alarmInputs("okActions", []any{"alarms"}), "okActions: (alarms) is an invalid ARN"},
		{"neither a metric nor queries", alarmInputs("metricName", nil), `exactly one of "metric_name" and "metric_query"`},
		{"a period beside queries", with(sumInputs("a", metricQuery("a")), "period", 60), `"period": conflicts with metric_query`},

		{"no query that counts", with(sumInputs("a", metricQuery("a")), "metricQueries", []any{metricQuery("a")}), "Exactly one element of the metrics list should return data, not 0."},
		{"an expression over nothing", sumInputs("SUM([a, b])", metricQuery("a")), "Error in expression 'sum': there is no metric query b"},
		{"a search", sumInputs(`SUM(SEARCH('{AWS/Redshift-Serverless,QueryType,Workgroup}', 'Sum'))`), "SEARCH is not supported on Metric Alarms"},
		{"an id twice", sumInputs("a", metricQuery("a"), metricQuery("a")), "The id a of a metric query is there twice"},
		{"an id in capitals", sumInputs("A", metricQuery("A")), `The id "A" of a metric query must begin with a lower-case letter`},
		{"too many metrics", sumInputs("SUM(METRICS())", eleven...), "up to 10 metrics and 10 expressions, not 11 and 1"},
		{"a metric of a query", sumInputs("a", metricQuery("a", "metricName", "QueriesFaild")), `the metric query a of the alarm would never have data: AWS/Redshift-Serverless documents no metric "QueriesFaild"`},
		{"a statistic of a query", sumInputs("a", metricQuery("a", "stat", "sum")), `The statistic "sum" of the metric query a is none`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := b.create("alarm", "a", c.in)
			wantError(t, err, c.want)
		})
	}
}

func widget(kind string, properties props, changes ...any) props {
	return with(props{"type": kind, "x": 0, "y": 0, "width": 8, "height": 6, "properties": properties}, changes...)
}

func metricWidget(metrics ...any) props {
	return widget("metric", props{"region": "us-east-1", "title": "x", "view": "timeSeries", "stat": "Sum", "period": 300, "metrics": metrics})
}

func dashboardInputs(widgets ...any) props {
	body, err := json.Marshal(props{"widgets": widgets})
	if err != nil {
		panic(err)
	}
	return props{"dashboardName": "pipeline", "dashboardBody": string(body)}
}

func TestDashboard(t *testing.T) {
	b := start(t)
	incoming := []any{"AWS/Kinesis", "IncomingRecords", "StreamName", "ev"}
	in := dashboardInputs(
		metricWidget(
			append(incoming, props{"id": "records"}),
			[]any{".", "IncomingBytes", ".", ".", props{"yAxis": "right"}},
			[]any{".", "WriteProvisionedThroughputExceeded", "..."},
			[]any{"AWS/Redshift-Serverless", "QueriesFailed", "QueryType", "SELECT", "Workgroup", "ev-dev", props{"id": "failed", "visible": false}},
			[]any{props{"expression": "SUM([failed, records])", "label": "a sum"}},
		),
		widget("text", props{"markdown": "# Pipeline"}, "x", 8, "width", 16),
		widget("alarm", props{"title": "Alarms", "alarms": []any{"arn:aws:cloudwatch:us-east-1:123456789012:alarm:lag"}}, "y", 6),
	)
	m := b.mustCreate("dashboard", "d", in)
	want := with(in, "dashboardArn", "arn:aws:cloudwatch::123456789012:dashboard/pipeline")
	if diff := cmp.Diff(want, shown(m.state)); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(in["dashboardBody"].(string)), "", "  "); err != nil {
		t.Fatal(err)
	}
	if changes, _, err := b.diff(m, with(in, "dashboardBody", indented.String())); err != nil || changes != nil {
		t.Errorf("a body that means the same changes %v, %v", changes, err)
	}
	if changes, _, err := b.diff(m, with(in, "dashboardName", "other")); err != nil || !cmp.Equal(changes, map[string]string{"dashboardName": "update-replace"}) {
		t.Errorf("another name changes %v, %v; want a replacement", changes, err)
	}
}

func TestDashboardRefused(t *testing.T) {
	incoming := []any{"AWS/Kinesis", "IncomingRecords", "StreamName", "ev"}
	changed := func(w props, changes ...any) props {
		return dashboardInputs(with(w, "properties", with(w["properties"].(props), changes...)))
	}
	b := start(t)
	for _, c := range []struct {
		name string
		in   props
		want string
	}{
		{"a body that is no JSON", props{"dashboardName": "x", "dashboardBody": "{"}, "dashboardBody: contains an invalid JSON"},
		{"a name", with(dashboardInputs(), "dashboardName", "a b"), `invalid value "a b"`},
		{"tags", with(dashboardInputs(), "tags", props{"a": "b"}), "does not support the input tags"},
		{"an unknown part", props{"dashboardName": "x", "dashboardBody": `{"widget":[]}`}, `unknown field "widget"`},
		{"a widget without a type", dashboardInputs(widget("", props{})), `widgets[0] is not valid: its type is ""`},
		{"a widget that the stand-in does not know", dashboardInputs(widget("log", props{})), "does not support a widget of the type log"},
		{"a widget without a place", dashboardInputs(with(metricWidget(incoming), "x", nil)), "a widget without x"},
		{"a widget that is too wide", dashboardInputs(with(metricWidget(incoming), "width", 25)), "width is 25, not from 1 to 24"},
		{"a widget over the edge", dashboardInputs(with(metricWidget(incoming), "x", 20)), "it ends at column 28 of 24"},
		{"no region", changed(metricWidget(incoming), "region", nil), `its region is ""`},
		{"no metrics", changed(metricWidget(incoming), "metrics", nil), "it has no metrics"},
		{"a view", changed(metricWidget(incoming), "view", "line"), `its view is "line"`},
		{"a stat", changed(metricWidget(incoming), "stat", "sum"), `its stat is "sum"`},
		{"a period", changed(metricWidget(incoming), "period", 90), "its period is 90"},
		{"an unknown property", changed(metricWidget(incoming), "titel", "x"), `unknown field "titel"`},
		{"a metric that is misspelt", dashboardInputs(metricWidget(incoming, []any{"AWS/Kinesis", "IncomingRecord", "StreamName", "ev"})), `metrics[1]: AWS/Kinesis documents no metric "IncomingRecord"`},
		{"a dimension without a value", dashboardInputs(metricWidget(incoming[:3])), "pairs of a dimension and its value"},
		{"an abbreviation of nothing", dashboardInputs(metricWidget([]any{".", "IncomingRecords"})), "there is no metric before it"},
		{"an axis", dashboardInputs(metricWidget(append(incoming, props{"yAxis": "top"}))), `the yAxis "top" is neither left nor right`},
		{"an expression over nothing", dashboardInputs(metricWidget([]any{props{"expression": "a + b", "id": "a"}})), "there is no metric query b"},
		{"text without text", dashboardInputs(widget("text", props{})), "a text widget has markdown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := b.create("dashboard", "d", c.in)
			wantError(t, err, c.want)
		})
	}
}
