#!/usr/bin/env python3
"""Write models.json: of botocore's service models, the operations that the emulator serves.

Run it here, with the botocore installed that "source" in models.json shall name.
"""
import json

import botocore
from botocore.loaders import Loader

SERVED = {
    "kinesis": "CreateStream DeleteStream DescribeStream DescribeStreamSummary DescribeLimits ListStreams UpdateStreamMode "
    "UpdateMaxRecordSize IncreaseStreamRetentionPeriod DecreaseStreamRetentionPeriod StartStreamEncryption StopStreamEncryption "
    "ListShards SplitShard MergeShards UpdateShardCount AddTagsToStream RemoveTagsFromStream ListTagsForStream ListTagsForResource "
    "PutRecord PutRecords GetShardIterator GetRecords",
    "redshift-data": "ExecuteStatement BatchExecuteStatement DescribeStatement GetStatementResult CancelStatement ListStatements "
    "ListDatabases ListSchemas ListTables DescribeTable",
    "redshift-serverless": "CreateNamespace GetNamespace ListNamespaces DeleteNamespace CreateWorkgroup GetWorkgroup ListWorkgroups "
    "DeleteWorkgroup CreateSnapshot GetSnapshot ListSnapshots",
    "secretsmanager": "CreateSecret DescribeSecret GetSecretValue ListSecrets",
}


def correct(services):
    """Change what recorded answers of AWS break, and a pattern that Go's regexp can't have."""
    kinesis = services["kinesis"]["shapes"]
    kinesis["MetricsNameList"]["min"] = 0  # ShardLevelMetrics is empty by default
    kinesis["RetentionPeriodHours"]["min"] = 1
    kinesis["NaturalIntegerObject"] = {"type": "integer", "min": 0}
    kinesis["PutRecordsOutput"]["members"]["FailedRecordCount"] = "NaturalIntegerObject"
    kinesis["ShardIteratorType"]["enum"] = [  # in the order in which AWS names them
        "AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"]
    del services["redshift-serverless"]["shapes"]["CustomDomainName"]["pattern"]  # looks ahead


KEPT = ("type", "required", "union", "min", "max", "pattern", "enum", "timestampFormat", "sensitive")


def shape_of(shape):
    out = {k: shape[k] for k in KEPT if k in shape}
    if "members" in shape:
        out["members"] = {name: member["shape"] for name, member in shape["members"].items()}
    if shape["type"] == "list":
        out["member"] = shape["member"]["shape"]
    if shape["type"] == "map":
        out["key"], out["value"] = shape["key"]["shape"], shape["value"]["shape"]
    return out


def model_of(service, operations):
    model = Loader().load_service_model(service, "service-2")
    meta, shapes, kept = model["metadata"], model["shapes"], {}

    def keep(name):
        if name in kept:
            return
        kept[name] = shape_of(shapes[name])
        for inner in list(kept[name].get("members", {}).values()) + [kept[name].get(k) for k in ("member", "key", "value")]:
            if inner:
                keep(inner)

    ops = {}
    for name in operations.split():
        op, ops[name] = model["operations"][name], {}
        for end in ("input", "output"):
            if end in op:
                ops[name][end] = op[end]["shape"]
                keep(op[end]["shape"])
        ops[name]["errors"] = sorted(e["shape"] for e in op.get("errors", []))
    return {"version": meta["apiVersion"], "target": meta["targetPrefix"], "operations": ops, "shapes": kept}


def lines(entries):
    return "{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items()) + "}"


if __name__ == "__main__":
    services = {name: model_of(name, ops) for name, ops in SERVED.items()}
    correct(services)
    out = []
    for name, m in services.items():
        out.append(f'{json.dumps(name)}: {{"version": {json.dumps(m["version"])}, "target": {json.dumps(m["target"])},\n'
                   f'"operations": {lines(m["operations"])},\n"shapes": {lines(m["shapes"])}}}')
    with open("models.json", "w") as f:
        f.write('{\n"source": ' + json.dumps(f"botocore {botocore.__version__}, corrected by extract.py") + ',\n"services": {\n' + ",\n".join(out) + "}}\n")
