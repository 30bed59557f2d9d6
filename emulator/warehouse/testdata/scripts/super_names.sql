-- Names of result columns and of keys inside SUPER: folded to lower case, unless a setting says otherwise.

CREATE TABLE t (doc SUPER);
--> done

INSERT INTO t SELECT JSON_PARSE('{"stationID":7,"stationid":8,"nested":{"spaceID":9}}');
--> done

CREATE VIEW before AS SELECT doc.stationID::INTEGER AS s FROM t;
--> done

-- An unquoted or quoted key is folded.
SELECT doc.stationID::INTEGER FROM t;
--> 8

SELECT doc."stationID"::INTEGER FROM t;
--> 8

SELECT t.doc.nested.spaceID::INTEGER FROM t;
--> NULL

SET enable_case_sensitive_super_attribute TO TRUE;
--> done

SELECT doc.stationID::INTEGER FROM t;
--> 7

SELECT t.doc.nested.spaceID::INTEGER FROM t;
--> 9

-- The setting is for paths into SUPER alone.
SELECT DOC.stationID::INTEGER FROM T;
--> 7

CREATE VIEW after AS SELECT doc.stationID::INTEGER AS s FROM t;
--> done

RESET enable_case_sensitive_super_attribute;
--> done

-- An ordinary view keeps the setting that it was created with.
SELECT s FROM before;
--> 8

SELECT s FROM after;
--> 7

SELECT doc.stationID::INTEGER FROM t;
--> 8

SET enable_case_sensitive_identifier TO on;
--> done

SELECT doc.stationID::INTEGER FROM t;
--> 8

SELECT doc."stationID"::INTEGER FROM t;
--> 7

-- A setting is the session's.

--: connect

SELECT doc."stationID"::INTEGER FROM t;
--> 8

DROP VIEW before;
--> done

DROP VIEW after;
--> done

SET enable_case_sensitive_super_attribute TO TRUE;
--> done

CREATE TABLE u (doc SUPER, n INTEGER);
--> done

SELECT doc.stationID, doc.stationID::INTEGER, N, COUNT(*), MAX(n), n + 1, CASE WHEN TRUE THEN 1 END, 1 AS "Mixed" FROM u GROUP BY doc, n;
--> columns: stationid | stationid | n | count | max | ?column? | case | mixed
--> 0 rows
