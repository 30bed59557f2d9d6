package fakedataapi

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/evstream/emulator/warehouse"
)

type getStatementResult struct {
	Id        string
	NextToken string
}

type resultPage struct {
	Records        [][]map[string]any
	ColumnMetadata []columnMetadata
	TotalNumRows   int
	NextToken      string `json:",omitempty"`
}

// columnMetadata has the lower-case member names of the service model.
type columnMetadata struct {
	IsCaseSensitive bool   `json:"isCaseSensitive"`
	IsCurrency      bool   `json:"isCurrency"`
	IsSigned        bool   `json:"isSigned"`
	Label           string `json:"label"`
	Length          int    `json:"length"`
	Name            string `json:"name"`
	Nullable        int    `json:"nullable"` // as in JDBC: 1 means that it is
	Precision       int    `json:"precision"`
	Scale           int    `json:"scale"`
	SchemaName      string `json:"schemaName"`
	TableName       string `json:"tableName"`
	TypeName        string `json:"typeName"`
	ColumnDefault   string `json:"columnDefault,omitempty"`
}

func (in *getStatementResult) apply(s *Server, _ time.Time, f Fault) (any, error) {
	st, i, err := s.find(in.Id)
	if err != nil {
		return nil, err
	}
	if i < 0 {
		if st.batch() {
			return nil, notFound(in.Id, "Query does not have result. Please check query status with DescribeStatement.")
		}
		i = 0
	}
	p := st.parts[i]
	if st.status != finished || p.result == nil || p.result.Columns == nil {
		return nil, notFound(in.Id, "Query does not have result. Please check query status with DescribeStatement.")
	}
	rows := p.result.Rows
	from := 0
	if in.NextToken != "" {
		id, offset, _ := strings.Cut(in.NextToken, "/")
		if from, err = strconv.Atoi(offset); err != nil || id != in.Id || from < 0 || from > len(rows) {
			return nil, invalid("Invalid NextToken")
		}
	}
	to := min(from+s.pageRows, len(rows))
	if f.WithholdRows {
		to = from
	}
	page := &resultPage{Records: [][]map[string]any{}, ColumnMetadata: []columnMetadata{}, TotalNumRows: len(rows)}
	if to < len(rows) || f.WithholdRows {
		page.NextToken = fmt.Sprintf("%s/%d", in.Id, to)
	}
	for _, c := range p.result.Columns {
		page.ColumnMetadata = append(page.ColumnMetadata, metadata(c))
	}
	for _, row := range rows[from:to] {
		fields := make([]map[string]any, len(row))
		for i, v := range row {
			fields[i] = field(v, p.result.Columns[i].Type.Name)
		}
		page.Records = append(page.Records, fields)
	}
	return page, nil
}

// field is a value as the member of the Field union that its Go type calls for. Whatever
// has no member of its own is text already, a timestamp as JDBC writes it:
// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
func field(v any, typeName string) map[string]any {
	switch v := v.(type) {
	case nil:
		return map[string]any{"isNull": true}
	case bool:
		return map[string]any{"booleanValue": v}
	case int64:
		return map[string]any{"longValue": v}
	case float64:
		return map[string]any{"doubleValue": v}
	}
	if text, ok := v.(string); ok && typeName == "timestamp" && !strings.Contains(text, ".") {
		v = text + ".0"
	}
	return map[string]any{"stringValue": v}
}

// metadata describes a column as the JDBC driver behind the Data API does.
func metadata(c warehouse.Column) columnMetadata {
	m := columnMetadata{Label: c.Name, Name: c.Name, Nullable: 1, TypeName: c.Type.Name, Precision: c.Type.Precision, Scale: c.Type.Scale}
	switch c.Type.Name {
	case "int2", "int4", "int8":
		m.Precision = map[string]int{"int2": 5, "int4": 10, "int8": 19}[c.Type.Name]
		m.IsSigned = true
	case "float4", "float8":
		m.Precision = map[string]int{"float4": 8, "float8": 17}[c.Type.Name]
		m.Scale = m.Precision
		m.IsSigned = true
	case "numeric":
		m.IsSigned = true
	case "bool":
		m.Precision = 1
	case "timestamp":
		m.Precision, m.Scale = 29, 6
	case "timestamptz":
		m.Precision, m.Scale = 35, 6
	case "date":
		m.Precision = 13
	case "time", "timetz":
		m.Precision, m.Scale = 15, 6
	case "varchar", "bpchar", "super":
		m.IsCaseSensitive = true
	}
	return m
}
