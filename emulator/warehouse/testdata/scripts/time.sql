-- The time of a statement. A view asks the clock when it is read.

--: advance 123.456789ms

SELECT GETDATE(), SYSDATE, CURRENT_DATE;
--> 2026-03-01 12:00:00 | 2026-03-01 12:00:00.123456 | 2026-03-01

SELECT DATEDIFF(second, TIMESTAMP '2026-03-01 11:59:58.9', GETDATE()), DATEDIFF(h, DATE '2026-02-28', GETDATE());
--> 2 | 36

CREATE VIEW ago AS SELECT DATEDIFF(second, TIMESTAMP '2026-03-01 12:00:00', GETDATE()) AS s;
--> done

--: advance 60s

SELECT s FROM ago;
--> 60
