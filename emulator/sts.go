package emulator

import (
	"encoding/xml"
	"fmt"
	"net/http"

	"example.com/evstream/emulator/fault"
	"example.com/evstream/emulator/internal/awsjson"
)

// sts is that part of AWS STS which says who somebody is, in its query protocol:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
type sts struct{ account string }

func (s sts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if action := r.FormValue("Action"); action != "GetCallerIdentity" {
		awsjson.WriteError(w, r, "sts", &fault.Error{Code: "InvalidAction",
			Message: fmt.Sprintf("The emulator's STS supports GetCallerIdentity, not %q.", action)}, true)
		return
	}
	text, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
		ARN       string   `xml:"GetCallerIdentityResult>Arn"`
		UserID    string   `xml:"GetCallerIdentityResult>UserId"`
		Account   string   `xml:"GetCallerIdentityResult>Account"`
		RequestID string   `xml:"ResponseMetadata>RequestId"`
	}{ARN: "arn:aws:iam::" + s.account + ":user/emulator", UserID: "AIDAEMULATOR000000000", Account: s.account, RequestID: "00000000-0000-0000-0000-000000000000"})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	_, _ = w.Write(text) // a client that went away is no concern of ours
}
