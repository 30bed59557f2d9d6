package infra

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/evstream/infra/internal/arn"
	"example.com/evstream/infra/internal/report"
	"example.com/evstream/infra/pipeline"
	"example.com/evstream/internal/cost"
	"example.com/evstream/internal/naming"
	"example.com/evstream/internal/refresh"
)

// Patterns and lengths are those of the service models (CreateNamespace,
// CreateWorkgroup, CreateRole) and, for the database, of the Redshift quotas page. A
// comma, which IAM allows in a role's name, separates roles in Redshift's IAM_ROLE.
var (
	vpcID      = regexp.MustCompile(`^vpc-[0-9a-f]{8,17}$`)
	subnetID   = regexp.MustCompile(`^subnet-[0-9a-f]{8,17}$`)
	secretName = regexp.MustCompile(`^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@!-]{1,512}$`)
	redshift   = regexp.MustCompile(`^[a-z0-9-]{3,63}$`)
	roleName   = regexp.MustCompile(`^[A-Za-z0-9_+=.@-]{1,64}$`)
	database   = regexp.MustCompile(`^[a-z][a-z0-9]{0,63}$`)
	kmsKeyARN  = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	upperCase  = regexp.MustCompile(`[A-Z]`)
	topicARN   = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
	email      = regexp.MustCompile(`^[^@\s:;,<>()"\\]+@[^@\s:;,<>()"\\]+\.[^@\s:;,<>()"\\]+$`)
)

const (
	maxShards   = 10000
	maxCapacity = 5632 // RPU
)

// check reports what is wrong with the settings themselves, whatever the account
// has.
func (s settings) check(r *report.Report) {
	for _, rule := range []func(*report.Report){
		s.checkVPC, s.checkSecretName, s.checkStream, s.checkNames, s.checkDatabaseName, s.checkCapacity, s.checkOptions,
		s.checkRefresh, s.checkUsageLimit, s.checkAlarms, s.checkReaders,
	} {
		rule(r)
	}
}

func (s settings) checkVPC(r *report.Report) {
	switch {
	case s.VPCName == "" && s.VPCID == "":
		r.Setting("vpcName", "is not set: the deployment goes into an existing VPC. "+
			"Give the VPC's Name tag with pulumi config set vpcName NAME (default means the default VPC), or its id with vpcId.")
	case s.VPCName != "" && s.VPCID != "":
		r.Setting("vpcName", "is %q and vpcId is %q: give one of them.", s.VPCName, s.VPCID)
	case strings.ContainsAny(s.VPCName, "*?"):
		r.Setting("vpcName", "is %q: AWS reads * and ? as wildcards. Give the whole Name tag, or the VPC's id with vpcId.", s.VPCName)
	case s.VPCID != "" && !vpcID.MatchString(s.VPCID):
		r.Setting("vpcId", "is %q: a VPC's id is vpc- and 8 to 17 hexadecimal digits.", s.VPCID)
	}
	for _, id := range s.SubnetIDs {
		if !subnetID.MatchString(id) {
			r.Setting("subnetIds", "holds %q: a subnet's id is subnet- and 8 to 17 hexadecimal digits.", id)
		}
	}
	checkOnce("subnetIds", s.SubnetIDs, r)
}

// checkOnce reports what a sorted list holds more than once.
func checkOnce(setting string, list []string, r *report.Report) {
	for i, item := range list {
		if i > 0 && item == list[i-1] {
			r.Setting(setting, "holds %q twice.", item)
		}
	}
}

func (s settings) checkSecretName(r *report.Report) {
	switch managed := s.Warehouse.Admin.Managed; {
	case managed && s.SecretName != "":
		r.Setting("secretName", "is %q and manageAdminPassword is true: either you keep the admin's password or AWS does. Remove one of them.", s.SecretName)
	case managed:
	case s.SecretName == "":
		r.Setting("secretName", "is not set: the Redshift admin comes from an existing Secrets Manager secret. "+
			"Give its name with pulumi config set secretName NAME, or let AWS keep the password with pulumi config set manageAdminPassword true.")
	case !secretName.MatchString(s.SecretName):
		r.Setting("secretName", "is %q: a secret's name is 1 to 512 letters, digits and /_+=.@!-; an ARN is accepted too.", s.SecretName)
	}
}

func (s settings) checkStream(r *report.Report) {
	setting, stream := "streamName", s.Stream
	if stream.Existing {
		setting = "existingStreamName"
	}
	switch {
	case !naming.Stream(stream.Name):
		r.Setting(setting, "is %q: a stream's name is %s.", stream.Name, naming.StreamRule)
	case upperCase.MatchString(stream.Name) && !s.Warehouse.Workgroup.CaseSensitiveIdentifiers:
		r.Setting(setting, "is %q: Redshift reads a name with upper case only with caseSensitiveIdentifiers. "+
			"Use lower case, or run: pulumi config set caseSensitiveIdentifiers true (it takes effect when the workgroup is created).", stream.Name)
	}
	if stream.Existing {
		return
	}
	switch {
	case stream.Mode != cost.OnDemand && stream.Mode != cost.Provisioned:
		r.Setting("streamMode", "is %q: a stream is %s or %s.", stream.Mode, cost.OnDemand, cost.Provisioned)
	case stream.Mode == cost.OnDemand && stream.Shards != 0:
		r.Setting("shardCount", "is %d, but an %s stream scales by itself. Remove shardCount, or set streamMode to %s.", stream.Shards, cost.OnDemand, cost.Provisioned)
	case stream.Mode == cost.Provisioned && (stream.Shards < 1 || stream.Shards > maxShards):
		r.Setting("shardCount", "is %d: a %s stream has 1 to %d shards; each takes 1,000 records or 1 MB per second.", stream.Shards, cost.Provisioned, maxShards)
	}
	if stream.RetentionHours < 24 || stream.RetentionHours > 8760 {
		r.Setting("retentionHours", "is %d: Kinesis keeps records for 24 to 8760 hours.", stream.RetentionHours)
	}
}

func (s settings) checkNames(r *report.Report) {
	for _, name := range []struct{ setting, value string }{
		{"namespaceName", s.Warehouse.NamespaceName}, {"workgroupName", s.Warehouse.Workgroup.Name},
	} {
		if !redshift.MatchString(name.value) {
			r.Setting(name.setting, "is %q: it must have 3 to 63 lower-case letters, digits and hyphens. "+
				"By default it is PROJECT-STACK; set it with pulumi config set %s NAME.", name.value, name.setting)
		}
		if isReserved(name.value) {
			r.Setting(name.setting, "is %q, a reserved word of Redshift.", name.value)
		}
	}
	if role := s.Warehouse.RoleName; !roleName.MatchString(role) {
		r.Setting("roleName", "is %q: a role's name has 1 to 64 letters, digits and _+=.@-. "+
			"By default it is PROJECT-STACK-streaming; set it with pulumi config set roleName NAME.", role)
	}
}

func (s settings) checkDatabaseName(r *report.Report) {
	switch name := s.Warehouse.DatabaseName; {
	case !database.MatchString(name):
		r.Setting("databaseName", "is %q: it must have 1 to 64 lower-case letters and digits, and start with a letter.", name)
	case slices.Contains([]string{"template0", "template1", "awsdatacatalog"}, name):
		r.Setting("databaseName", "is %q, a database of Redshift's own.", name)
	case isReserved(name):
		r.Setting("databaseName", "is %q, a reserved word of Redshift.", name)
	}
}

func (s settings) checkCapacity(r *report.Report) {
	base, most, target := s.Warehouse.Workgroup.BaseCapacity, s.Warehouse.Workgroup.MaxCapacity, s.Warehouse.Workgroup.PriceTarget
	switch {
	case target == 0 && !cost.IsBaseCapacity(base):
		r.Setting("baseCapacity", "is %d RPU: Redshift Serverless takes 4, then 8 to 512 in steps of 8, then up to 1024 in steps of 32.", base)
	case target == 0:
	case !slices.Contains([]int{1, 25, 50, 75, 100}, target):
		r.Setting("priceTarget", "is %d: Redshift takes 1 (cheapest), 25, 50, 75 or 100 (fastest), or 0 for none.", target)
	case base != 0:
		r.Setting("priceTarget", "is %d and baseCapacity is %d: with a price target Redshift chooses the capacity. "+
			"Run pulumi config set baseCapacity 0, or remove priceTarget.", target, base)
	}
	// No source says in which steps Redshift takes a limit; those of the capacity do.
	if most != 0 && (most < base || most < 8 || most > maxCapacity || most%8 != 0) {
		r.Setting("maxCapacity", "is %d RPU: it must be a multiple of 8 from baseCapacity (%d) to %d, or 0 for no limit.", most, base, maxCapacity)
	}
}

func (s settings) checkOptions(r *report.Report) {
	if key := s.Warehouse.KMSKeyARN; key != "" && !kmsKeyARN.MatchString(key) {
		r.Setting("kmsKeyArn", "is %q: it must be the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID (not that of an alias).", key)
	}
	logs := []string{"connectionlog", "useractivitylog", "userlog"}
	for _, name := range s.Warehouse.LogExports {
		if !slices.Contains(logs, name) {
			r.Setting("logExports", "holds %q: Redshift exports %s.", name, strings.Join(logs, ", "))
		}
	}
	checkOnce("logExports", s.Warehouse.LogExports, r)
	if s.Warehouse.CreateEndpoints && !s.Warehouse.Workgroup.EnhancedVPCRouting {
		r.Setting("createVpcEndpoints", "is true and enhancedVpcRouting is false: without it Redshift's traffic does not pass through the VPC, so endpoints in it are not used. "+
			"Remove createVpcEndpoints, or set enhancedVpcRouting to true.")
	}
	if days := s.Warehouse.SnapshotRetentionDays; days < 0 || days > 3653 {
		r.Setting("snapshotRetentionDays", "is %d: Redshift keeps a snapshot for 1 to 3653 days, or 0 for no snapshot.", days)
	}
}

func (s settings) checkReaders(r *report.Report) {
	for _, name := range s.Readers {
		if err := naming.Reader(name).Check(); err != nil {
			r.Setting("readers", "holds %q: %s.", name, err)
		}
	}
	checkOnce("readers", s.Readers, r)
}

func (s settings) checkUsageLimit(r *report.Report) {
	limit := s.Warehouse.UsageLimit
	// The largest workgroup, all month.
	if most := maxCapacity * 31 * 24; limit.RPUHours < 0 || limit.RPUHours > most {
		r.Setting("usageLimitRpuHours", "is %d: it must be a number of RPU-hours up to %d, or 0 for no limit.", limit.RPUHours, most)
	}
	if periods := []string{"daily", "weekly", "monthly"}; !slices.Contains(periods, limit.Period) {
		r.Setting("usageLimitPeriod", "is %q: it must be one of %s.", limit.Period, strings.Join(periods, ", "))
	}
	if actions := []string{"log", "emit-metric", "deactivate"}; !slices.Contains(actions, limit.Action) {
		r.Setting("usageLimitAction", "is %q: it must be one of %s.", limit.Action, strings.Join(actions, ", "))
	}
}

func (s settings) checkAlarms(r *report.Report) {
	switch address, topic := s.Warehouse.AlarmEmail, s.Warehouse.AlarmTopicARN; {
	case address != "" && topic != "":
		r.Setting("alarmEmail", "is %q and alarmTopicArn is %q: give one of them.", address, topic)
	case address != "" && !email.MatchString(address):
		r.Setting("alarmEmail", "is %q: it must be one e-mail address.", address)
	case topic != "" && !topicARN.MatchString(topic):
		r.Setting("alarmTopicArn", "is %q: it must be the ARN of a standard SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME.", topic)
	}
	const petabyte = 1000 * 1000 // GB
	if size := s.Warehouse.AlarmStorageGB; size < 1 || size > petabyte {
		r.Setting("alarmStorageGb", "is %d: it must be 1 to %d GB.", size, petabyte)
	}
	// CloudWatch looks at one period of at most a day, or at up to seven whole days.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
	const day = 24 * 60
	if m := s.AlarmLagMinutes; m < 1 || m > 7*day || m > day && m%day != 0 {
		r.Setting("alarmLagMinutes", "is %d: it must be 1 to %d minutes, or whole days of %[2]d minutes up to %d.", m, day, 7*day)
		return
	}
	if wait, known := s.longestWait(); known && s.lagAlarm() > 0 && s.AlarmLagMinutes <= wait {
		r.Setting("alarmLagMinutes", "is %d, but refresh is %q: records wait up to %d minutes for their refresh, so the alarm would always be on. "+
			"Set alarmLagMinutes above that.", s.AlarmLagMinutes, s.Refresh, wait)
	}
}

// scheduled says whether a schedule refreshes the streaming view.
func (s settings) scheduled() bool { return s.Refresh != refresh.Auto && s.Refresh != refresh.Manual }

// longestWait is the longest time between two scheduled refreshes, in minutes, if
// that can be known.
func (s settings) longestWait() (minutes int, known bool) {
	schedule, err := refresh.Parse(s.Refresh)
	if err != nil {
		return 0, false // no schedule, or already reported
	}
	return schedule.LongestWait()
}

// lagAlarm is after how many minutes an alarm tells that records wait; 0 if none
// does.
func (s settings) lagAlarm() int {
	if !s.Warehouse.HasAlarms() || s.withoutLagAlarm() != "" {
		return 0
	}
	return s.AlarmLagMinutes
}

// withoutLagAlarm says why no alarm can watch how long records wait, if none can. It
// would go off when nothing reads the stream, and CloudWatch looks back a week at
// most.
func (s settings) withoutLagAlarm() (because string) {
	if s.Refresh == refresh.Manual {
		return "refresh is manual, so nobody promises that they are read in time."
	}
	wait, known := s.longestWait()
	switch {
	case !s.scheduled():
		return ""
	case !known:
		return fmt.Sprintf("refresh is %q, which names years, and an alarm would go off when they are over.", s.Refresh)
	case wait >= 7*24*60:
		return fmt.Sprintf("refresh is %q, and CloudWatch does not look back over a pause of a week.", s.Refresh)
	}
	return ""
}

func (s settings) checkRefresh(r *report.Report) {
	if !s.scheduled() {
		return
	}
	schedule, err := refresh.Parse(s.Refresh)
	if err != nil {
		r.Setting("refresh", "is %q: %s.", s.Refresh, err)
		return
	}
	if last, ends := schedule.Last(); ends && last.Before(time.Now()) {
		r.Setting("refresh", "is %q: its last run was at %s UTC, and it never runs again.", s.Refresh, last.Format("2006-01-02 15:04"))
	}
	workgroup := s.Warehouse.Workgroup.Name
	name := pipeline.ScheduleName(workgroup)
	if strings.EqualFold(s.Warehouse.RoleName, name) {
		r.Setting("roleName", "is %q: the schedule of refresh has a role of that name. Choose another.", s.Warehouse.RoleName)
	}
	if len(name) > 64 {
		r.Setting("workgroupName", "is %q: with a schedule in refresh it has up to %d characters, because the schedule and its role are named %s.",
			workgroup, 64-len(name)+len(workgroup), name)
	}
}

// checkScope reports what the deployment's region does not have: a key, a topic, or
// the capacity.
func (s settings) checkScope(at arn.Scope, r *report.Report) {
	for _, given := range []struct{ setting, arn string }{
		{"kmsKeyArn", s.Warehouse.KMSKeyARN}, {"alarmTopicArn", s.Warehouse.AlarmTopicARN},
	} {
		parts := strings.Split(given.arn, ":") // arn:PARTITION:SERVICE:REGION:…
		switch {
		case given.arn == "" || len(parts) < 4 || r.Refuses(given.setting):
		case parts[1] != at.Partition:
			r.Setting(given.setting, "is %q, of the partition %s, and the deployment is in %s (%s): both must be in one partition.", given.arn, parts[1], at.Partition, at.Region)
		case parts[3] != at.Region:
			r.Setting(given.setting, "is %q, of the region %s, and the deployment is in %s: both must be in one region.", given.arn, parts[3], at.Region)
		}
	}
	// https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-capacity.html
	large := []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1"}
	switch base := s.Warehouse.Workgroup.BaseCapacity; {
	case base > 512 && cost.IsBaseCapacity(base) && !slices.Contains(large, at.Region):
		r.Problem("baseCapacity is %d RPU: AWS offers more than 512 only in %s, and the deployment is in %s.", base, strings.Join(large, ", "), at.Region)
	case base == 4 && at.Region != "us-east-1":
		r.Warn("baseCapacity is 4 RPU, which AWS offers in some regions only. If %s is none of them, the workgroup can't be created: use 8.", at.Region)
	}
}

// checkExistingStream reports what is wrong with the stream of the setting
// existingStreamName.
func (s settings) checkExistingStream(stream answer[*pipeline.Found], r *report.Report) {
	name := s.Stream.Name
	switch found := stream.is; {
	case !naming.Stream(name): // already reported
	case stream.err != nil:
		r.Problem("existingStreamName is %q: the stream can't be looked up in this region and account: %s. "+
			"List them with: aws kinesis list-streams", name, stream.err)
	case found.Status != "ACTIVE" && found.Status != "UPDATING":
		r.Problem("existingStreamName is %q: the stream is %s. Wait until it is ACTIVE, or name another.", name, found.Status)
	case found.Tags["pulumi:project"] == s.project && found.Tags["pulumi:stack"] == s.stack:
		// It would leave the program, and Pulumi would delete it.
		r.Problem("existingStreamName is %q: this stack created that stream, and would delete it with its records once it is not the stack's own. "+
			"Remove existingStreamName. Or detach the stream from the stack first: "+
			"pulumi state delete --force --target-dependents 'urn:pulumi:%s::%s::evstream:infra:Pipeline$aws:kinesis/stream:Stream::%s', and "+
			"aws kinesis remove-tags-from-stream --stream-name %[1]s --tag-keys pulumi:project pulumi:stack.", name, s.stack, s.project, streamResource)
	}
}

// checkOwnStream warns if the stream that the stack makes can't be looked at: who may
// read this stream only may not read one of another name.
func (s settings) checkOwnStream(stream answer[*pipeline.Found], r *report.Report) {
	if stream.err != nil && !isNotFound(stream.err) {
		r.Warn("whether stream %s has the encryption and retention of the settings can't be checked: %s", s.Stream.Name, stream.err)
	}
}

// checkRetention reports a schedule with which the stream forgets records before
// the view takes them, and warns of one with which a single refresh that fails
// does that.
func (s settings) checkRetention(stream *pipeline.Found, r *report.Report) {
	hours, whose := s.Stream.RetentionHours, "retentionHours is"
	if s.Stream.Existing {
		if stream == nil {
			return // already reported
		}
		hours, whose = stream.RetentionHours, "the existing stream keeps records for"
	}
	schedule, err := refresh.Parse(s.Refresh)
	if err != nil || hours < 24 {
		return // no schedule, or already reported
	}
	wait, known := schedule.LongestWait()
	switch {
	case !known:
		r.Warn("refresh is %q, which names years, and %s %d hours: records that wait longer are lost, in a pause and after the last year.",
			s.Refresh, whose, hours)
	case wait >= hours*60:
		r.Problem("refresh is %q, with pauses of up to %d hours, and %s %d: records are gone before the view takes them. "+
			"Refresh more often, or let the stream keep them longer.", s.Refresh, wait/60, whose, hours)
	case 2*wait >= hours*60:
		r.Warn("refresh is %q, with pauses of up to %d hours, and %s %d: one refresh that fails loses records. "+
			"Refresh more often, or let the stream keep them longer.", s.Refresh, wait/60, whose, hours)
	}
}

// isReserved says whether Redshift keeps a word for itself, so that neither a
// database nor a user may have it as its name.
// https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html
func isReserved(word string) bool {
	return slices.Contains(strings.Fields(reservedWords), strings.ToLower(word))
}

const reservedWords = `
aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary
blanksasnull both bytedict bzip2 case cast check collate column constraint create credentials cross current_date
current_time current_timestamp current_user current_user_id default deferrable deflate defrag delta delta32k desc
disable distinct do else emptyasnull enable encode encrypt encryption end except explicit false for foreign freeze
from full globaldict256 globaldict64k grant group gzip having identity ignore ilike in initially inner intersect
interval into is isnull join leading left like limit localtime localtimestamp lun luns lzo lzop minus mostly16
mostly32 mostly8 natural new not notnull null nulls off offline offset oid old on only open or order outer overlaps
parallel partition percent permissions pivot placing primary raw readratio recover references rejectlog resort
respect restore right select session_user similar snapshot some sysdate system table tag tdes text255 text32k then
timestamp to top trailing true truncatecolumns union unique unnest unpivot user using verbose wallet when where with
without`
