package warehouse

import (
	"fmt"
	"strconv"
	"strings"
)

// A Type is a Redshift data type by its name in the catalog: int2, int4, int8, numeric,
// float4, float8, bool, varchar, bpchar, date, time, timetz, timestamp, timestamptz,
// super or varbyte.
type Type struct {
	Name      string
	Precision int // digits of a numeric; the length in bytes of varchar, bpchar and varbyte, 0 when not limited
	Scale     int // digits of a numeric after the point
}

var typeNames = map[string]string{
	"smallint": "int2", "int2": "int2",
	"integer": "int4", "int": "int4", "int4": "int4",
	"bigint": "int8", "int8": "int8",
	"decimal": "numeric", "numeric": "numeric",
	"real": "float4", "float4": "float4",
	"double precision": "float8", "float8": "float8", "float": "float8",
	"boolean": "bool", "bool": "bool",
	"varchar": "varchar", "character varying": "varchar", "nvarchar": "varchar", "text": "varchar",
	"char": "bpchar", "character": "bpchar", "nchar": "bpchar", "bpchar": "bpchar",
	"date": "date", "time": "time", "time without time zone": "time", "timetz": "timetz", "time with time zone": "timetz",
	"timestamp": "timestamp", "timestamp without time zone": "timestamp",
	"timestamptz": "timestamptz", "timestamp with time zone": "timestamptz",
	"super": "super", "varbyte": "varbyte", "varbinary": "varbyte", "binary varying": "varbyte",
}

const (
	maxVarchar = 65535
	maxChar    = 4096
)

// parseType reads the type at the start of toks and says how many tokens it takes.
func parseType(sql string, toks []token) (Type, int, error) {
	n, name := 0, ""
	for n < len(toks) && n < 4 && toks[n].kind == word { // the longest of the known names
		long := strings.TrimSpace(name + " " + toks[n].val)
		if !isTypePrefix(long) {
			break
		}
		name = long
		n++
	}
	canonical, ok := typeNames[name]
	if !ok {
		if len(toks) == 0 {
			return Type{}, 0, errorf("syntax error at end of input").at(sql, len(sql))
		}
		return Type{}, 0, errorf("type %q does not exist, or the warehouse stand-in does not support it", sql[toks[0].pos:toks[0].end]).at(sql, toks[0].pos)
	}
	t := Type{Name: canonical}
	if name == "text" {
		t.Precision = 256 // the documented meaning of TEXT
	}
	var args []string
	if n < len(toks) && toks[n].is("(") && canonical != "super" {
		for n++; n < len(toks) && !toks[n].is(")"); n++ {
			if !toks[n].is(",") {
				args = append(args, toks[n].val)
			}
		}
		n++
	}
	return t, n, t.setArgs(args)
}

func isTypePrefix(s string) bool {
	for name := range typeNames {
		if name == s || strings.HasPrefix(name, s+" ") {
			return true
		}
	}
	return false
}

func (t *Type) setArgs(args []string) error {
	nums := make([]int, len(args))
	for i, a := range args {
		if a == "max" && t.Name == "varchar" {
			a = strconv.Itoa(maxVarchar)
		}
		v, err := strconv.Atoi(a)
		if err != nil {
			return errorf("invalid length %q of type %s", a, t.Name)
		}
		nums[i] = v
	}
	switch t.Name {
	case "numeric":
		t.Precision = 18
		if len(nums) > 0 {
			t.Precision = nums[0]
		}
		if len(nums) > 1 {
			t.Scale = nums[1]
		}
		if len(nums) > 2 || t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision {
			return errorf("NUMERIC precision %d and scale %d must be between 0 and 38, the scale not above the precision", t.Precision, t.Scale)
		}
		return nil
	case "varchar", "bpchar", "varbyte":
		limit := map[string]int{"varchar": maxVarchar, "bpchar": maxChar, "varbyte": 16777216}[t.Name]
		if len(nums) == 1 && nums[0] >= 1 && nums[0] <= limit {
			t.Precision = nums[0]
			return nil
		}
		if len(nums) > 0 {
			return errorf("length for type %s must be between 1 and %d", t.Name, limit)
		}
		return nil
	}
	if len(nums) > 0 {
		return errorf("type modifier is not allowed for type %q", t.Name)
	}
	return nil
}

// duck is the type of the engine that holds values of t.
func (t Type) duck() string {
	switch t.Name {
	case "numeric":
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case "bpchar":
		return "VARCHAR"
	case "super":
		return "VARIANT"
	case "varbyte":
		return "BLOB"
	}
	return map[string]string{
		"int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "float4": "REAL", "float8": "DOUBLE", "bool": "BOOLEAN",
		"varchar": "VARCHAR", "date": "DATE", "time": "TIME", "timetz": "TIMETZ", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ",
	}[t.Name]
}

// String is the type as the catalog writes it.
func (t Type) String() string {
	name := map[string]string{
		"int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision", "bool": "boolean",
		"varchar": "character varying", "bpchar": "character", "varbyte": "binary varying", "time": "time without time zone", "timetz": "time with time zone",
		"timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone",
	}[t.Name]
	switch {
	case t.Name == "numeric":
		return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	case name == "":
		return t.Name
	case t.Precision > 0:
		return fmt.Sprintf("%s(%d)", name, t.Precision)
	}
	return name
}

// typeOfDuck is the Redshift type of a result column of the engine's type.
func typeOfDuck(duck string) (Type, error) {
	if _, args, ok := strings.Cut(duck, "DECIMAL("); ok {
		t := Type{Name: "numeric"}
		_, err := fmt.Sscanf(args, "%d,%d)", &t.Precision, &t.Scale)
		return t, err
	}
	switch duck {
	case "HUGEINT": // an unplain sum of integers
		return Type{Name: "numeric", Precision: 38}, nil
	case "TINYINT":
		return Type{Name: "int2"}, nil
	case `"NULL"`, "NULL":
		return Type{Name: "varchar"}, nil
	case "TIME WITH TIME ZONE":
		return Type{Name: "timetz"}, nil
	case "TIMESTAMP WITH TIME ZONE":
		return Type{Name: "timestamptz"}, nil
	case "FLOAT":
		return Type{Name: "float4"}, nil
	}
	for _, name := range typeNames {
		if t := (Type{Name: name}); name != "numeric" && name != "bpchar" && t.duck() == duck {
			return t, nil
		}
	}
	return Type{}, unsupported("a result of the engine's type %s", duck)
}

// encode and decodeType carry a type through the engine's parser, which would drop the
// length of a VARCHAR, as the name of a user-defined type.
func (t Type) encode() string {
	return quoteIdent(fmt.Sprintf("rs %s %d %d", t.Name, t.Precision, t.Scale))
}

func decodeType(name string) (Type, bool) {
	var t Type
	n, err := fmt.Sscanf(name, "rs %s %d %d", &t.Name, &t.Precision, &t.Scale)
	return t, err == nil && n == 3
}
