package warehouse

import (
	"fmt"
	"slices"
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

const (
	maxVarchar = 65535
	maxChar    = 4096
	maxVarbyte = 16777216
)

// A typeInfo is what there is to know of a type.
type typeInfo struct {
	name    string // in the catalog
	engine  string // the engine's type that holds its values
	engine2 string // another one whose results are of this type
	shown   string // what the catalog calls it; a length or digits follow
	limit   int    // of its length; 0 if it has none
	names   string // in SQL, separated by commas
}

var types = []typeInfo{
	{"int2", "SMALLINT", "TINYINT", "smallint", 0, "smallint,int2"},
	{"int4", "INTEGER", "", "integer", 0, "integer,int,int4"},
	{"int8", "BIGINT", "", "bigint", 0, "bigint,int8"},
	{"numeric", "DECIMAL", "", "numeric", 0, "decimal,numeric"},
	{"float4", "REAL", "FLOAT", "real", 0, "real,float4"},
	{"float8", "DOUBLE", "", "double precision", 0, "double precision,float8,float"},
	{"bool", "BOOLEAN", "", "boolean", 0, "boolean,bool"},
	{"varchar", "VARCHAR", "NULL", "character varying", maxVarchar, "varchar,character varying,nvarchar,text"},
	{"bpchar", "VARCHAR", "", "character", maxChar, "char,character,nchar,bpchar"},
	{"date", "DATE", "", "date", 0, "date"},
	{"time", "TIME", "", "time without time zone", 0, "time,time without time zone"},
	{"timetz", "TIMETZ", "TIME WITH TIME ZONE", "time with time zone", 0, "timetz,time with time zone"},
	{"timestamp", "TIMESTAMP", "", "timestamp without time zone", 0, "timestamp,timestamp without time zone"},
	{"timestamptz", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "timestamp with time zone", 0, "timestamptz,timestamp with time zone"},
	{"super", "VARIANT", "", "super", 0, "super"},
	{"varbyte", "BLOB", "", "binary varying", maxVarbyte, "varbyte,varbinary,binary varying"},
}

// typeNames gives the names of the types in the catalog by their names in SQL.
var typeNames = func() map[string]string {
	all := make(map[string]string)
	for _, t := range types {
		for name := range strings.SplitSeq(t.names, ",") {
			all[name] = t.name
		}
	}
	return all
}()

// parseType reads the type at the start of toks and says how many tokens it takes.
func parseType(sql string, toks []token) (Type, int, error) {
	n, name := 0, ""
	for n < len(toks) && toks[n].kind == word {
		long := strings.TrimSpace(name + " " + toks[n].val)
		if !isTypePrefix(long) {
			break
		}
		name = long
		n++
	}
	t := Type{Name: typeNames[name]}
	if t.Name == "" {
		if len(toks) == 0 {
			return t, 0, errorf("syntax error at end of input").at(sql, len(sql))
		}
		return t, 0, errorf("type %q does not exist, or the warehouse stand-in does not support it", sql[toks[0].pos:toks[0].end]).at(sql, toks[0].pos)
	}
	if name == "text" {
		t.Precision = 256 // the documented meaning of TEXT
	}
	var args []string
	if n < len(toks) && toks[n].is("(") && t.Name != "super" {
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

// setArgs takes the numbers that follow a type's name in parentheses.
func (t *Type) setArgs(args []string) error {
	numbers := make([]int, len(args))
	for i, a := range args {
		if a == "max" && t.Name == "varchar" {
			a = strconv.Itoa(maxVarchar)
		}
		v, err := strconv.Atoi(a)
		if err != nil {
			return errorf("invalid length %q of type %s", a, t.Name)
		}
		numbers[i] = v
	}
	limit := t.info().limit
	switch {
	case t.Name == "numeric":
		digits := append(numbers, []int{18, 0}[min(len(numbers), 2):]...)
		t.Precision, t.Scale = digits[0], digits[1]
		if len(digits) > 2 || t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision {
			return errorf("NUMERIC precision %d and scale %d must be between 0 and 38, the scale not above the precision", t.Precision, t.Scale)
		}
	case len(numbers) == 0:
	case limit == 0:
		return errorf("type modifier is not allowed for type %q", t.Name)
	case len(numbers) > 1 || numbers[0] < 1 || numbers[0] > limit:
		return errorf("length for type %s must be between 1 and %d", t.Name, limit)
	default:
		t.Precision = numbers[0]
	}
	return nil
}

func (t Type) info() typeInfo {
	i := slices.IndexFunc(types, func(known typeInfo) bool { return known.name == t.Name })
	if i < 0 {
		return typeInfo{}
	}
	return types[i]
}

// duck is the type of the engine that holds values of t.
func (t Type) duck() string {
	if t.Name == "numeric" {
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	}
	return t.info().engine
}

// String is the type as the catalog writes it.
func (t Type) String() string {
	shown := t.info().shown
	switch {
	case t.Name == "numeric":
		return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	case t.Precision > 0:
		return fmt.Sprintf("%s(%d)", shown, t.Precision)
	}
	return shown
}

// typeOfDuck is the Redshift type of a result column of the engine's type.
func typeOfDuck(duck string) (Type, error) {
	if _, args, ok := strings.Cut(duck, "DECIMAL("); ok {
		t := Type{Name: "numeric"}
		_, err := fmt.Sscanf(args, "%d,%d)", &t.Precision, &t.Scale)
		return t, err
	}
	if duck == "HUGEINT" { // a plain sum of integers
		return Type{Name: "numeric", Precision: 38}, nil
	}
	duck = strings.Trim(duck, `"`) // of "NULL"
	for _, known := range types {
		if duck == known.engine || duck == known.engine2 {
			return Type{Name: known.name}, nil
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
