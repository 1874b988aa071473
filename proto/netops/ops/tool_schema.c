/* SPDX-License-Identifier: BSD-2-Clause */
/* Schemas of arguments and results. Every result may also be the failure of the operation (spec
 * §2.1): clients that check results would refuse it otherwise. */
#include "proto/netops/ops/face.h"

#define OBJECT(props)                                                                              \
	"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" props "}}"
#define OBJECT_REQ(props, required)                                                                \
	"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" props               \
	"},\"required\":[" required "]}"
#define CANDIDATE                                                                                  \
	"\"candidate\":{\"type\":\"string\",\"maxLength\":64,\"description\":\"Handle of a "       \
	"candidate; without it your own "                                                          \
	"private one. The empty handle is the shared candidate.\"}"
#define FAILURE                                                                                    \
	"\"error\":{\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"integer\"},\"name\":" \
	"{\"type\":\"string\"},"                                                                   \
	"\"message\":{\"type\":\"string\"},\"data\":{\"type\":\"object\"}},\"required\":["         \
	"\"code\"]}"
/* Members beside "error"; what is required where it is no failure. */
#define RESULT(props, required)                                                                    \
	"{\"type\":\"object\",\"properties\":{" props "," FAILURE                                  \
	"},\"additionalProperties\":false,"                                                        \
	"\"anyOf\":[{\"required\":[" required "]},{\"required\":[\"error\"]}]}"
#define DIFF                                                                                       \
	"\"diff\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"path\":{"   \
	"\"type\":\"string\"},"                                                                    \
	"\"op\":{\"enum\":[\"create\",\"delete\",\"replace\",\"move\"]},\"old\":{},\"new\":{},"    \
	"\"oldAfter\":{},\"newAfter\":{}},"                                                        \
	"\"required\":[\"path\",\"op\"]}}"
#define COMMIT_RESULT                                                                              \
	"\"commitId\":{\"type\":\"string\"},\"state\":{\"enum\":[\"prepared\",\"applied\","        \
	"\"pending-confirm\",\"confirmed\","                                                       \
	"\"aborted\",\"rolled-back\",\"no-change\"]},\"token\":{\"type\":\"string\"},"             \
	"\"confirmBy\":{\"type\":\"string\","                                                      \
	"\"format\":\"date-time\"}," DIFF                                                          \
	",\"runningHash\":{\"type\":\"string\"},\"warnings\":{\"type\":\"array\","                 \
	"\"items\":{\"type\":\"string\"}},\"auditSeq\":{\"type\":\"integer\"}"

const char face_in_get[] =
	OBJECT_REQ("\"path\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4096,"
		   "\"description\":\"Data path as in RFC 8040: "
		   "ietf-interfaces:interfaces/interface=eth0; / is everything.\"},"
		   "\"datastore\":{\"enum\":[\"running\",\"operational\",\"candidate\"],\"type\":"
		   "\"string\",\"default\":\"operational\","
		   "\"x-mcp-header\":\"Datastore\"},"
		   "\"depth\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":65535,\"default\":0,"
		   "\"description\":\"Levels; 0 is "
		   "unlimited.\"},"
		   "\"offset\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":4294967295,"
		   "\"description\":\"First entry, where path names "
		   "a list without keys.\"},"
		   "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100000}," CANDIDATE,
		   "\"path\"");
const char face_in_edit[] = OBJECT_REQ(
	"\"target\":{\"type\":\"string\",\"enum\":[\"candidate\"],\"default\":\"candidate\",\"x-"
	"mcp-header\":\"Target\"},"
	"\"edit\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":1000,\"items\":{\"type\":"
	"\"object\",\"additionalProperties\":false,"
	"\"properties\":{\"path\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4096},"
	"\"operation\":{\"type\":\"string\",\"enum\":[\"merge\",\"create\",\"replace\",\"delete\"],"
	"\"default\":\"merge\"},"
	"\"value\":{\"description\":\"RFC 7951: the node's value, or {\\\"name\\\": value}.\"},"
	"\"insert\":{\"enum\":[\"first\",\"last\",\"before\",\"after\"]},\"point\":{\"type\":"
	"\"string\",\"maxLength\":4096}},"
	"\"required\":[\"path\"]}}," CANDIDATE,
	"\"edit\"");
/* Spec §2.16, word by word. */
const char face_in_commit[] = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
			      "\"phase\":{\"enum\":[\"prepare\",\"commit\",\"confirm\","
			      "\"abort\"]},\"token\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-"
			      "9_-]{22}$\"},\"confirmed\":{\"type\":\"integer\","
			      "\"minimum\":0,\"maximum\":3600,\"default\":0},\"confirm\":{\"type\":"
			      "\"boolean\"},\"comment\":{\"type\":\"string\","
			      "\"maxLength\":1024},\"candidate\":{\"type\":\"string\","
			      "\"maxLength\":64},\"idempotencyKey\":{\"type\":\"string\","
			      "\"minLength\":1,\"maxLength\":64},\"ifRunning\":{\"type\":"
			      "\"string\"},\"dryRun\":{\"type\":\"boolean\"}}}";
const char face_in_rollback[] =
	"{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"commitId\":{"
	"\"type\":\"string\",\"maxLength\":32,"
	"\"description\":\"Back to as it was just after that commit.\"},"
	"\"steps\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":1}},"
	"\"not\":{\"required\":[\"commitId\",\"steps\"]}}";
const char face_in_exec[] =
	OBJECT_REQ("\"cmd\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4095},"
		   "\"timeout\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":300,\"default\":30,"
		   "\"description\":\"Seconds.\"}",
		   "\"cmd\"");
const char face_in_configure[] =
	OBJECT_REQ("\"commands\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":1000,\"items\":{"
		   "\"type\":\"string\",\"minLength\":1,"
		   "\"maxLength\":4095},\"description\":\"set PATH [VALUE] and delete PATH, with "
		   "data paths as in RFC 8040.\"},"
		   "\"target\":{\"type\":\"string\",\"enum\":[\"candidate\",\"running\"],"
		   "\"default\":\"candidate\",\"x-mcp-header\":\"Target\"}," CANDIDATE,
		   "\"commands\"");
const char face_in_pull[] =
	OBJECT("\"filename\":{\"type\":\"string\",\"enum\":[\"running-config\",\"startup-config\","
	       "\"candidate-config\"],"
	       "\"default\":\"running-config\"},\"format\":{\"type\":\"string\",\"enum\":[\"text\","
	       "\"xml\",\"json\"],\"default\":\"text\"}," CANDIDATE);
const char face_in_push[] = OBJECT_REQ(
	"\"filename\":{\"type\":\"string\",\"enum\":[\"candidate-config\",\"startup-config\"]},"
	"\"content\":{\"type\":\"string\",\"maxLength\":16777216},"
	"\"format\":{\"type\":\"string\",\"enum\":[\"text\",\"xml\",\"json\"],\"default\":\"json\"}"
	","
	"\"validate\":{\"type\":\"boolean\",\"default\":true}," CANDIDATE,
	"\"filename\",\"content\"");
const char face_in_diff[] =
	OBJECT(CANDIDATE ",\"commitId\":{\"type\":\"string\",\"maxLength\":32,\"description\":"
			 "\"What that commit changed, instead of "
			 "what the candidate would.\"}");
const char face_in_discard[] = OBJECT(CANDIDATE);
const char face_in_history[] =
	OBJECT("\"count\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":100}");
const char face_in_verify[] = OBJECT("");
const char face_in_approve[] =
	OBJECT("\"id\":{\"type\":\"string\",\"maxLength\":32,\"description\":\"As the commit that was held "
	       "up said it. Without it: all that wait.\"},"
	       "\"approve\":{\"type\":\"boolean\",\"description\":\"true or false decides; without it "
	       "what is asked is shown.\"},"
	       "\"comment\":{\"type\":\"string\",\"maxLength\":1024}");

const char face_out_get[] = "{\"type\":\"object\",\"description\":\"RFC 7951 data: "
			    "{\\\"module:node\\\": …}; or a failure.\","
			    "\"properties\":{" FAILURE "}}";
const char face_out_any[] = "{\"type\":\"object\",\"properties\":{" FAILURE "}}";
const char face_out_edit[] =
	RESULT("\"candidate\":{\"type\":\"string\"},\"applied\":{\"type\":\"integer\"}",
	       "\"candidate\",\"applied\"");
const char face_out_commit[] =
	RESULT(COMMIT_RESULT, "\"state\",\"diff\",\"runningHash\",\"warnings\",\"auditSeq\"");
const char face_out_exec[] = RESULT("\"output\":{\"type\":\"string\"}", "\"output\"");
const char face_out_configure[] = RESULT("\"candidate\":{\"type\":\"string\"},\"applied\":{"
					 "\"type\":\"integer\"},\"commit\":{\"type\":\"object\","
					 "\"properties\":{" COMMIT_RESULT "}}",
					 "\"applied\"");
const char face_out_pull[] = RESULT("\"filename\":{\"type\":\"string\"},\"format\":{\"type\":"
				    "\"string\"},\"content\":{\"type\":\"string\"}",
				    "\"filename\",\"format\",\"content\"");
const char face_out_push[] =
	RESULT("\"filename\":{\"type\":\"string\"},\"candidate\":{\"type\":\"string\"},"
	       "\"bytes\":{\"type\":\"integer\"},\"validated\":{\"type\":\"boolean\"}",
	       "\"filename\",\"bytes\",\"validated\"");
const char face_out_diff[] =
	RESULT(DIFF ",\"conflicts\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
		    "\"interfaces\":{\"type\":\"integer\"},"
		    "\"routes\":{\"type\":\"integer\"},\"runningHash\":{\"type\":\"string\"}",
	       "\"diff\",\"runningHash\"");
const char face_out_discard[] =
	RESULT("\"candidate\":{\"type\":\"string\"},\"discarded\":{\"type\":\"boolean\"}",
	       "\"candidate\",\"discarded\"");
const char face_out_history[] =
	RESULT("\"commits\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
	       "\"commitId\":{\"type\":\"string\"},"
	       "\"time\":{\"type\":\"string\"},\"user\":{\"type\":\"string\"},\"comment\":{"
	       "\"type\":\"string\"},"
	       "\"kind\":{\"enum\":[\"commit\",\"rollback\"]},"
	       "\"state\":{\"enum\":[\"confirmed\",\"rolled-back\"]},"
	       "\"reason\":{\"type\":\"string\",\"description\":\"Why a commit that was not "
	       "confirmed was taken back; it is no step of a rollback.\"},"
	       "\"runningHash\":{\"type\":\"string\"},\"changes\":{"
	       "\"type\":\"integer\"}},"
	       "\"required\":[\"commitId\"]}},\"pending\":{\"type\":\"object\"},\"runningHash\":{"
	       "\"type\":\"string\"}",
	       "\"commits\",\"runningHash\"");
const char face_out_approve[] =
	RESULT("\"approvals\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
	       "\"id\":{\"type\":\"string\"},\"requester\":{\"type\":\"string\"},"
	       "\"rule\":{\"type\":\"string\"},\"kind\":{\"enum\":[\"commit\",\"rollback\"]},"
	       "\"confirmed\":{\"type\":\"integer\"},\"approved\":{\"type\":\"boolean\"},"
	       "\"remainingMs\":{\"type\":\"integer\"}," DIFF "},\"required\":[\"id\",\"requester\",\"diff\"]}}",
	       "\"approvals\"");
const char face_out_verify[] = RESULT("\"ok\":{\"type\":\"boolean\"},\"records\":{\"type\":"
				      "\"integer\"},\"badSeq\":{\"type\":\"integer\"},"
				      "\"reason\":{\"type\":\"string\"}",
				      "\"ok\",\"records\"");
