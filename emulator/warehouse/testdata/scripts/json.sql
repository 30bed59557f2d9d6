-- JSON in bytes and texts: what JSON_PARSE takes is one value of RFC 8259's grammar, in UTF-8,
-- without duplicate keys, without NUL and of at most 1,000 levels.

CREATE TABLE t (raw VARBYTE(100000));
--> done

INSERT INTO t
SELECT TO_VARBYTE('{"a":1}', 'utf8') UNION ALL
SELECT TO_VARBYTE(' [1, "x", null] ', 'utf8') UNION ALL
SELECT TO_VARBYTE('5', 'utf8') UNION ALL
SELECT TO_VARBYTE('-0.5e-3', 'utf8') UNION ALL
SELECT TO_VARBYTE('"x"', 'utf8') UNION ALL
SELECT TO_VARBYTE('123456789012345678901234567890', 'utf8') UNION ALL
SELECT TO_VARBYTE('"a\\\\u0000b"', 'utf8') UNION ALL
SELECT TO_VARBYTE(REPEAT('[', 1000) || REPEAT(']', 1000), 'utf8') UNION ALL
SELECT TO_VARBYTE(REPEAT('[', 1001) || REPEAT(']', 1001), 'utf8') UNION ALL
SELECT TO_VARBYTE('', 'utf8') UNION ALL
SELECT TO_VARBYTE(' ', 'utf8') UNION ALL
SELECT TO_VARBYTE('{"a":1', 'utf8') UNION ALL
SELECT TO_VARBYTE('{"a":1}}', 'utf8') UNION ALL
SELECT TO_VARBYTE('1 2', 'utf8') UNION ALL
SELECT TO_VARBYTE('{"a":1,"a":2}', 'utf8') UNION ALL
SELECT TO_VARBYTE('{"a":{"b":1,"b":2}}', 'utf8') UNION ALL
SELECT TO_VARBYTE('[1,]', 'utf8') UNION ALL
SELECT TO_VARBYTE('{"a":1,}', 'utf8') UNION ALL
SELECT TO_VARBYTE('{''a'':1}', 'utf8') UNION ALL
SELECT TO_VARBYTE('{a:1}', 'utf8') UNION ALL
SELECT TO_VARBYTE('NaN', 'utf8') UNION ALL
SELECT TO_VARBYTE('Infinity', 'utf8') UNION ALL
SELECT TO_VARBYTE('01', 'utf8') UNION ALL
SELECT TO_VARBYTE('.5', 'utf8') UNION ALL
SELECT TO_VARBYTE('+1', 'utf8') UNION ALL
SELECT TO_VARBYTE('TRUE', 'utf8') UNION ALL
SELECT TO_VARBYTE('"a\tb"', 'utf8') UNION ALL
SELECT TO_VARBYTE('"a\\u0000b"', 'utf8') UNION ALL
SELECT TO_VARBYTE('﻿{}', 'utf8') UNION ALL
SELECT TO_VARBYTE('// comment\n{}', 'utf8') UNION ALL
SELECT TO_VARBYTE('ff', 'hex') UNION ALL
SELECT NULL;
--> done

SELECT CASE WHEN LENGTH(raw) < 100 THEN FROM_VARBYTE(raw, 'hex') ELSE LENGTH(raw)::VARCHAR END, CAN_JSON_PARSE(raw) FROM t;
--> 7b2261223a317d | true
--> 205b312c202278222c206e756c6c5d20 | true
--> 35 | true
--> 2d302e35652d33 | true
--> 227822 | true
--> 313233343536373839303132333435363738393031323334353637383930 | true
--> 22615c5c75303030306222 | true
--> 2000 | true
--> 2002 | false
-->  | false
--> 20 | false
--> 7b2261223a31 | false
--> 7b2261223a317d7d | false
--> 312032 | false
--> 7b2261223a312c2261223a327d | false
--> 7b2261223a7b2262223a312c2262223a327d7d | false
--> 5b312c5d | false
--> 7b2261223a312c7d | false
--> 7b2761273a317d | false
--> 7b613a317d | false
--> 4e614e | false
--> 496e66696e697479 | false
--> 3031 | false
--> 2e35 | false
--> 2b31 | false
--> 54525545 | false
--> 2261096222 | false
--> 22615c75303030306222 | false
--> efbbbf7b7d | false
--> 2f2f20636f6d6d656e740a7b7d | false
--> ff | false
--> NULL | NULL

SELECT COUNT(*) FROM t WHERE CAN_JSON_PARSE(raw) AND JSON_PARSE(raw) IS NOT NULL;
--> 8

SELECT JSON_PARSE(TO_VARBYTE('{"a":1', 'utf8'));
--> error: JSON parsing error

SELECT JSON_PARSE(TO_VARBYTE('{"a":1,"a":2}', 'utf8'));
--> error: JSON parsing error

SELECT JSON_PARSE(TO_VARBYTE('TRUE', 'utf8'));
--> error: JSON parsing error

SELECT JSON_PARSE(TO_VARBYTE(REPEAT('[', 1001) || REPEAT(']', 1001), 'utf8'));
--> error: JSON parsing error

SELECT CAN_JSON_PARSE('{"a":1}'), CAN_JSON_PARSE('x');
--> true | false

SELECT JSON_EXTRACT_PATH_TEXT('{"a":{"b/c":"x"}}', 'a', 'b/c'), JSON_EXTRACT_PATH_TEXT('{"a":1}', 'b'), JSON_EXTRACT_PATH_TEXT('no', 'b', true);
--> x | NULL | NULL

SELECT JSON_EXTRACT_PATH_TEXT('no', 'b');
--> error: JSON parsing error
