package warehouse

import "example.com/evstream/emulator/doubt"

// The doubts about what SQL means in Redshift, by the names of their switches.
const (
	decimalCasts   = "decimal-casts"
	floatCasts     = "float-casts"
	superNumbers   = "super-numbers"
	superOverflow  = "super-overflow"
	superTexts     = "super-texts"
	superLongTexts = "super-long-texts"
	numberTexts    = "number-texts"
	tryCastBlank   = "try-cast-blank"
	tryCastDate    = "try-cast-date"
	missingTypeof  = "missing-typeof"
	nulEscapes     = "nul-escapes"
	halfSurrogates = "half-surrogates"
	longTexts      = "long-texts"
	hugeNumbers    = "huge-numbers"
	invalidUTF8    = "invalid-utf8"
	recordSize     = "record-size"
	trailingBlanks = "trailing-blanks"
	lineEnds       = "line-ends"
	andOrder       = "and-order"
	currentUser    = "current-user"
)

// Doubts lists what no source settles about SQL in Redshift. [Options] has a reading of
// each.
func Doubts() doubt.List {
	const (
		guide   = "docs.aws.amazon.com/redshift/latest/dg/"
		notSaid = "no source"
		notUsed = "Nothing depends on it. "
	)
	return doubt.List{
		{
			Name:     decimalCasts,
			Question: "Does a cast of a NUMERIC to fewer digits cut them off, or round?",
			Answers: []doubt.Answer{
				{Name: "cut", Meaning: "7.939 is 7.93", Source: guide + "r_enable_numeric_rounding.html, off by default; c_Supported_data_types.html: casts of values from tables are not rounded", Gives: "7.93"},
				{Name: "round", Meaning: "7.939 is 7.94", Source: "the example 109.652 in " + guide + "r_CAST_function.html", Gives: "7.94"},
			},
			Program: "It rounds with `ROUND` before the cast, so that no digit is left to the cast.",
			Ask:     "t.text::DECIMAL(18,6)::DECIMAL(10,2)", Text: "7.939",
		},
		{
			Name:     floatCasts,
			Question: "Does a cast of a FLOAT8 to INTEGER or DECIMAL round, or cut the digits off?",
			Answers: []doubt.Answer{
				{Name: "round", Meaning: "12.7 is 13", Source: "PostgreSQL", Gives: "13"},
				{Name: "cut", Meaning: "12.7 is 12, and 7.935, of which a FLOAT8 has 7.93499…, is 7.934999 with six decimals", Source: notSaid, Gives: "12"},
			},
			Program: "A number that becomes an INTEGER is whole; one that becomes a DECIMAL is cut or rounded at the ninth decimal, then rounded to six and to two.",
			Ask:     "t.text::FLOAT8::INTEGER", Text: "12.7",
		},
		{
			Name:     superNumbers,
			Question: "Is a JSON number with a fraction a DECIMAL inside SUPER, or a FLOAT8?",
			Answers: []doubt.Answer{
				{Name: "decimal", Meaning: "it has the digits it was written with", Source: guide + "operators-functions.html, which tells decimals from floating-point values", Gives: "7.935000000000000000"},
				{Name: "float", Meaning: "it has those of a double", Source: notSaid, Gives: doubt.Else},
			},
			Program: "Every number is read as FLOAT8 first.",
			Ask:     "t.doc.a::DECIMAL(36,18)", Text: `{"a":7.935}`,
		},
		{
			Name:     superOverflow,
			Question: "Is a SUPER value that is out of the range of the type it is cast to NULL, or an error?",
			Answers: []doubt.Answer{
				{Name: "null", Meaning: "NULL", Source: guide + "limitations-super.html: errors are converted to null", Gives: "NULL"},
				{Name: "error", Meaning: "an error, so that one record makes a query over its view fail", Source: guide + "operators-functions.html: overflows still cause errors", Gives: doubt.Fails},
			},
			Program: "A number is read by TRY_CAST to FLOAT8, and its range asked for before the next cast.",
			Ask:     "t.doc.a::INTEGER", Text: `{"a":99999999999}`,
		},
		{
			Name:     superTexts,
			Question: `Which texts inside SUPER convert to a number?`,
			Answers: []doubt.Answer{
				{Name: "any", Meaning: `those that a VARCHAR converts from: also "00007", "+7", " 7 ", "7e0"`, Source: guide + "limitations-super.html: as other types", Gives: "7"},
				{Name: "plain", Meaning: "those written as a JSON number without an exponent", Source: notSaid, Gives: "NULL"},
			},
			Program: "A text that is a plain decimal number is cast to VARCHAR first, whose casts are documented; every other text is NULL and listed.",
			Ask:     "t.doc.a::INTEGER", Text: `{"a":"+00007"}`,
		},
		{
			Name:     superLongTexts,
			Question: "Is a SUPER text that is longer than the VARCHAR it is cast to cut off, or NULL?",
			Answers: []doubt.Answer{
				{Name: "cut", Meaning: "cut off", Source: guide + "r_Examples_with_character_types.html, of VARCHAR", Gives: "abc"},
				{Name: "null", Meaning: "NULL", Source: notSaid, Gives: "NULL"},
			},
			Program: "It is cast to VARCHAR(65535) and its length asked for.",
			Ask:     "t.doc.a::VARCHAR(3)", Text: `{"a":"abcdef"}`,
		},
		{
			Name:     numberTexts,
			Question: "Which digits has a JSON number as a text?",
			Answers: []doubt.Answer{
				{Name: "short", Meaning: "those it was written with: 7.93", Source: notSaid, Gives: "7.93"},
				{Name: "long", Meaning: "all of a double: 7.9299999999999997", Source: notSaid, Gives: "7.9299999999999997"},
			},
			Program: "A whole number of at most 15 digits becomes a text by way of FLOAT8 and BIGINT; every other number is NULL and listed.",
			Ask:     "t.doc.a::VARCHAR(30)", Text: `{"a":7.93}`,
		},
		{
			Name:     tryCastBlank,
			Question: "Does TRY_CAST of a blank text fail, or give NULL?",
			Answers: []doubt.Answer{
				{Name: "error", Meaning: "it fails", Source: guide + "r_TRY_CAST.html: the expression cannot contain blank or empty strings", Gives: doubt.Fails},
				{Name: "null", Meaning: "NULL", Source: "what TRY_CAST is for", Gives: "NULL"},
			},
			Program: "TRY_CAST meets only a text that has the form of a date and time.",
			Ask:     "TRY_CAST(t.text AS INTEGER)", Text: " ",
		},
		{
			Name:     tryCastDate,
			Question: "Does TRY_CAST of a date that there is not give NULL, or the day that it rolls over to?",
			Answers: []doubt.Answer{
				{Name: "null", Meaning: "2026-02-30 is NULL", Source: guide + "r_TRY_CAST.html", Gives: "NULL"},
				{Name: "roll", Meaning: "it is 2026-03-02", Source: guide + "r_TO_TIMESTAMP.html, of TO_TIMESTAMP", Gives: "2"},
			},
			Program: "The day of the result is compared with that of the text.",
			Ask:     "DATE_PART(day, TRY_CAST(t.text AS DATE))", Text: "2026-02-30",
		},
		{
			Name:     missingTypeof,
			Question: "What is JSON_TYPEOF of a key that an object lacks?",
			Answers: []doubt.Answer{
				{Name: "null", Meaning: "NULL", Source: guide + "query-super.html: navigation gives null", Gives: "NULL"},
				{Name: "text", Meaning: "the text null, as of a JSON null", Source: notSaid, Gives: "null"},
			},
			Program: "Neither a missing field nor a null one is a reason for being listed.",
			Ask:     "JSON_TYPEOF(t.doc.b)", Text: `{"a":1}`,
		},
		{
			Name:     nulEscapes,
			Question: `Does JSON_PARSE take a NUL, \u0000?`,
			Answers: []doubt.Answer{
				{Name: "refuse", Meaning: "no: the record is not JSON", Source: "VARCHAR can't hold it", Gives: doubt.Fails},
				{Name: "keep", Meaning: "yes", Source: notSaid, Gives: "2"},
				{Name: "cut", Meaning: "yes, and it ends the text", Source: notSaid, Gives: "1"},
			},
			Program: "Such a record is kept either way: as bytes, or parsed.",
			Ask:     "OCTET_LENGTH(t.doc.a::VARCHAR(10))", Text: `{"a":"x\u0000"}`,
		},
		{
			Name:     halfSurrogates,
			Question: `Does JSON_PARSE take half of a surrogate pair, "\ud83d"?`,
			Answers: []doubt.Answer{
				{Name: "refuse", Meaning: "no: the record is not JSON", Source: "VARCHAR can't hold it", Gives: "false"},
				{Name: "take", Meaning: "yes, as U+FFFD", Source: notSaid, Gives: "true"},
			},
			Program: "Such a record is kept either way: as bytes, or parsed.",
			Ask:     "CAN_JSON_PARSE(t.text)", Text: `{"a":"\ud83d"}`,
		},
		{
			Name:     longTexts,
			Question: "Does JSON_PARSE take a text of more than 65,535 bytes?",
			Answers: []doubt.Answer{
				{Name: "take", Meaning: "yes, up to 16,000,000 bytes", Source: guide + "limitations-super.html; with enable_large_strings_opt_in", Gives: "true"},
				{Name: "refuse", Meaning: "no: the record is not JSON", Source: guide + "super-configurations.html; r_enable_large_strings_opt_in.html, without it", Gives: "false"},
			},
			Program: "Such a record is kept either way: parsed, or as bytes.",
			// As VARBYTE, because a VARCHAR may not be as long.
			Ask: `CAN_JSON_PARSE(TO_VARBYTE('["', 'utf8') || TO_VARBYTE(REPEAT(t.text, 65535), 'utf8') || TO_VARBYTE('x"]', 'utf8'))`, Text: "x",
		},
		{
			Name:     hugeNumbers,
			Question: "Does JSON_PARSE take a number that no type holds, 1e400?",
			Answers: []doubt.Answer{
				{Name: "take", Meaning: "yes", Source: notSaid, Gives: "true"},
				{Name: "refuse", Meaning: "no: the record is not JSON", Source: notSaid, Gives: "false"},
			},
			Program: "Such a record is listed either way: for the value, or as not JSON.",
			Ask:     "CAN_JSON_PARSE(t.text)", Text: `{"a":1e400}`,
		},
		{
			Name:     invalidUTF8,
			Question: "Is CAN_JSON_PARSE of bytes that are no UTF-8 false, or NULL?",
			Answers: []doubt.Answer{
				{Name: "false", Meaning: "false", Source: guide + "CAN_JSON_PARSE.html: whether JSON_PARSE would succeed", Gives: "false"},
				{Name: "null", Meaning: "NULL", Source: notSaid, Gives: "NULL"},
			},
			Program: "The bytes are kept unless it is true.",
			Ask:     "CAN_JSON_PARSE(TO_VARBYTE(t.text, 'hex'))", Text: "22ff22",
		},
		{
			Name:     recordSize,
			Question: "How long a record does a streaming view take?",
			Answers: []doubt.Answer{
				{Name: "1MiB", Meaning: "1 MiB", Source: guide + "materialized-view-streaming-ingestion.html"},
				{Name: "10MiB", Meaning: "10 MiB, if the stream lets it in", Source: "a third party's summary of AWS's news of August 2026"},
			},
			Program: "`evstream query skipped` lists what was too long.",
		},
		{
			Name:     trailingBlanks,
			Question: "Do blanks at the end of a VARCHAR count in a comparison?",
			Answers: []doubt.Answer{
				{Name: "ignore", Meaning: "no", Source: guide + "r_Character_types.html", Gives: "true"},
				{Name: "count", Meaning: "yes", Source: "PostgreSQL", Gives: "false"},
			},
			Program: notUsed + "A view compares only with texts that have none, and lengths with numbers.",
			Ask:     "t.text = 'a'", Text: "a  ",
		},
		{
			Name:     lineEnds,
			Question: "Do ^ and $ in a regular expression match at every line, or only at the ends of the text?",
			Answers: []doubt.Answer{
				{Name: "lines", Meaning: "at every line", Source: guide + "pattern-matching-conditions-posix.html: the beginning and end of a line", Gives: "true"},
				{Name: "text", Meaning: "only at the ends", Source: "PostgreSQL, and the same page: the end of the string", Gives: "false"},
			},
			Program: "A pattern that has a length is used together with that length, another on a text without line ends.",
			Ask:     "REPLACE(t.text, '/', CHR(10)) ~ 'b$'", Text: "ab/c",
		},
		{
			Name:     andOrder,
			Question: "Does AND evaluate its left side first, and its right side only when that is true?",
			Answers: []doubt.Answer{
				{Name: "left", Meaning: "yes", Source: notSaid, Gives: "0"},
				{Name: "right", Meaning: "no: the right side may be first", Source: "PostgreSQL leaves the order open", Gives: doubt.Fails},
			},
			Program: "Only CASE, whose order is documented, keeps an expression from values that it could fail on.",
			Ask:     "CASE WHEN t.text = 'number' AND t.text::INTEGER = 1 THEN 1 ELSE 0 END", Text: "word",
		},
		{
			Name:     currentUser,
			Question: "Can a query over a table give CURRENT_USER, whose type is name, as a column?",
			Answers: []doubt.Answer{
				{Name: "refuse", Meaning: "no", Source: guide + "c_unsupported-postgresql-datatypes.html", Gives: doubt.Fails},
				{Name: "accept", Meaning: "yes", Source: notSaid, Gives: doubt.Else},
			},
			Program: "It is cast to VARCHAR.",
			Ask:     "CURRENT_USER", Text: "x",
		},
	}
}
