package fakeaws

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const dashboardToken = "aws:cloudwatch/dashboard:Dashboard"

// dashboardType is a dashboard. One of the name is overwritten, and an update without a
// difference writes it again: internal/service/cloudwatch/dashboard.go, resourceDashboardPut.
func dashboardType() *resourceType {
	return &resourceType{
		token: dashboardToken, noun: "CloudWatch Dashboard", service: cloudWatchService, invalid: "DashboardInvalidInputError", name: "dashboardName",
		schema: schema{
			"dashboardName": {required: true, replaces: true, check: matching(`[0-9A-Za-z_-]{1,255}`)},
			"dashboardBody": {required: true, document: true, check: isJSON},
			"dashboardArn":  {output: true},
		},
		create: one("PutDashboard", func(o *op) error {
			o.id = o.in.text("dashboardName")
			o.props["dashboardArn"] = "arn:aws:cloudwatch::" + o.Account.id + ":dashboard/" + o.id
			return o.checkDashboard()
		}),
		update: []request{{api: "PutDashboard", always: true, do: (*op).checkDashboard}},
		delete: request{api: "DeleteDashboards"},
	}
}

// dashboard is the body of one.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
type dashboard struct {
	Start          string   `json:"start"`
	End            string   `json:"end"`
	PeriodOverride string   `json:"periodOverride"`
	Widgets        []widget `json:"widgets"`
}

type widget struct {
	Type       string          `json:"type"`
	X          *int            `json:"x"`
	Y          *int            `json:"y"`
	Width      *int            `json:"width"`
	Height     *int            `json:"height"`
	Properties json.RawMessage `json:"properties"`
}

type metricWidget struct {
	Region               string              `json:"region"`
	Title                string              `json:"title"`
	View                 string              `json:"view"`
	Stat                 string              `json:"stat"`
	Period               int                 `json:"period"`
	Stacked              bool                `json:"stacked"`
	LiveData             bool                `json:"liveData"`
	SetPeriodToTimeRange bool                `json:"setPeriodToTimeRange"`
	Sparkline            bool                `json:"sparkline"`
	Metrics              [][]json.RawMessage `json:"metrics"`
	YAxis                json.RawMessage     `json:"yAxis"`
	Legend               json.RawMessage     `json:"legend"`
	Annotations          json.RawMessage     `json:"annotations"`
}

// metricOptions are what a metric of a widget may say at its end.
type metricOptions struct {
	ID         string `json:"id"`
	Label      string `json:"label"`
	Color      string `json:"color"`
	Stat       string `json:"stat"`
	Period     int    `json:"period"`
	YAxis      string `json:"yAxis"`
	Visible    *bool  `json:"visible"`
	Region     string `json:"region"`
	Expression string `json:"expression"`
}

// checkDashboard says what CloudWatch refuses, and what it takes though it stays empty.
func (o *op) checkDashboard() error {
	var body dashboard
	if err := strictly([]byte(o.in.text("dashboardBody")), &body); err != nil {
		return o.invalid("The field dashboardBody is not valid: %v", err)
	}
	if len(body.Widgets) > 500 {
		return o.invalid("The field widgets is not valid: a dashboard has up to 500 of them, not %d", len(body.Widgets))
	}
	for i, w := range body.Widgets {
		if err := o.checkWidget(w); err != nil {
			return o.invalid("The field widgets[%d] is not valid: %v", i, err)
		}
	}
	return nil
}

func (o *op) checkWidget(w widget) error {
	for _, side := range []struct {
		name      string
		value     *int
		low, high int
	}{{"x", w.X, 0, 23}, {"y", w.Y, 0, 1 << 20}, {"width", w.Width, 1, 24}, {"height", w.Height, 1, 1000}} {
		switch {
		case side.value == nil:
			return fmt.Errorf("the stand-in does not support a widget without %s", side.name)
		case *side.value < side.low || *side.value > side.high:
			return fmt.Errorf("%s is %d, not from %d to %d", side.name, *side.value, side.low, side.high)
		}
	}
	if *w.X+*w.Width > 24 {
		return fmt.Errorf("it ends at column %d of 24", *w.X+*w.Width)
	}
	switch w.Type {
	case "text":
		var text struct {
			Markdown   string `json:"markdown"`
			Background string `json:"background"`
		}
		if err := strictly(w.Properties, &text); err != nil || text.Markdown == "" {
			return errors.Join(errors.New("a text widget has markdown"), err)
		}
		return nil
	case "alarm":
		var alarms struct {
			Alarms []string `json:"alarms"`
			Title  string   `json:"title"`
		}
		if err := strictly(w.Properties, &alarms); err != nil || len(alarms.Alarms) == 0 {
			return errors.Join(errors.New("an alarm widget has alarms"), err)
		}
		if reason := isARN(list(alarms.Alarms)); reason != "" {
			return errors.New(reason)
		}
		return nil
	case "metric":
		return o.checkMetricWidget(w.Properties)
	case "log", "explorer":
		return fmt.Errorf("the stand-in does not support a widget of the type %s", w.Type)
	}
	return fmt.Errorf("its type is %q, not one of alarm, explorer, log, metric and text", w.Type)
}

func (o *op) checkMetricWidget(properties json.RawMessage) error {
	var w metricWidget
	if err := strictly(properties, &w); err != nil {
		return err
	}
	views := []string{"", "timeSeries", "singleValue", "gauge", "bar", "pie", "table"}
	switch {
	case w.Region != o.region:
		return fmt.Errorf("its region is %q; the stand-in's metrics are in %s", w.Region, o.region)
	case len(w.Metrics) == 0:
		return errors.New("it has no metrics")
	case !slices.Contains(views, w.View):
		return fmt.Errorf("its view is %q, not one of %s", w.View, strings.Join(views[1:], ", "))
	case w.Stat != "" && !queryStat.MatchString(w.Stat):
		return fmt.Errorf("its stat is %q", w.Stat)
	case w.Period != 0 && w.Period%60 != 0:
		return fmt.Errorf("its period is %d, no multiple of 60", w.Period)
	}
	var before []string // the names of the last metric, for its abbreviations
	var options []metricOptions
	for i, entry := range w.Metrics {
		names, option, err := metricEntry(entry, before)
		if err == nil && option.Expression == "" {
			err = checkNames(names)
			before = names
		}
		if err != nil {
			return fmt.Errorf("metrics[%d]: %w", i, err)
		}
		options = append(options, option)
	}
	return checkOptions(options)
}

// metricEntry reads one metric: its namespace, name and dimensions, and its options.
func metricEntry(entry []json.RawMessage, before []string) (names []string, option metricOptions, err error) {
	for i, part := range entry {
		if i == len(entry)-1 && strings.HasPrefix(string(part), "{") {
			err := strictly(part, &option)
			if err == nil && (option.Expression != "") == (len(names) > 0) {
				err = errors.New("it must be either a metric or an expression")
			}
			return names, option, err
		}
		var name string
		if err := json.Unmarshal(part, &name); err != nil {
			return nil, option, fmt.Errorf("%s is no text", part)
		}
		switch {
		case name == "...": // all that follows but the last dimension's value
			if len(before) == 0 {
				return nil, option, errors.New("there is no metric before it that it could repeat")
			}
			rest := len(entry) - i - 1
			if rest > 0 && strings.HasPrefix(string(entry[len(entry)-1]), "{") {
				rest--
			}
			names = append(names, before[len(names):len(before)-rest]...)
		case name == ".":
			if len(names) >= len(before) {
				return nil, option, errors.New("there is no metric before it that it could repeat")
			}
			names = append(names, before[len(names)])
		default:
			names = append(names, name)
		}
	}
	return names, option, nil
}

func checkNames(names []string) error {
	if len(names) < 2 || len(names)%2 != 0 {
		return fmt.Errorf("%q must be a namespace, a name, and pairs of a dimension and its value", names)
	}
	dimensions := map[string]string{}
	for i := 2; i < len(names); i += 2 {
		dimensions[names[i]] = names[i+1]
	}
	return checkMetric(names[0], names[1], dimensions)
}

// checkOptions checks the options of a widget's metrics.
func checkOptions(options []metricOptions) error {
	ids := map[string]bool{}
	for _, option := range options {
		switch {
		case option.ID != "" && !queryID.MatchString(option.ID):
			return fmt.Errorf("the id %q must begin with a lower-case letter, and have letters, digits and _ only", option.ID)
		case ids[option.ID] && option.ID != "":
			return fmt.Errorf("the id %s is there twice", option.ID)
		case option.Stat != "" && !queryStat.MatchString(option.Stat):
			return fmt.Errorf("the stat %q is none", option.Stat)
		case option.YAxis != "" && option.YAxis != "left" && option.YAxis != "right":
			return fmt.Errorf("the yAxis %q is neither left nor right", option.YAxis)
		}
		ids[option.ID] = true
	}
	for _, option := range options {
		if option.Expression == "" {
			continue
		}
		if err := checkExpression(option.Expression, slices.Collect(maps.Keys(ids))); err != nil {
			return fmt.Errorf("the expression %s: %w", option.Expression, err)
		}
	}
	return nil
}
