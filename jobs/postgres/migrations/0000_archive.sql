CREATE TABLE "archived_jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"search" text NOT NULL,
	"input" json NOT NULL,
	"brief" json NOT NULL,
	"state" text NOT NULL,
	"message" text,
	"progress" json,
	"row_count" integer NOT NULL,
	"attempt" integer NOT NULL,
	"epoch" text NOT NULL,
	"seq" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "archived_rows" (
	"job_id" text NOT NULL,
	"from_row" integer NOT NULL,
	"count" integer NOT NULL,
	"rows" json NOT NULL,
	CONSTRAINT "archived_rows_job_id_from_row_pk" PRIMARY KEY("job_id","from_row")
);
--> statement-breakpoint
CREATE TABLE "archived_timeline" (
	"job_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"type" text NOT NULL,
	"data" json NOT NULL,
	CONSTRAINT "archived_timeline_job_id_seq_pk" PRIMARY KEY("job_id","seq")
);
--> statement-breakpoint
CREATE TABLE "deleted_jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"deleted_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "archived_rows" ADD CONSTRAINT "archived_rows_job_id_archived_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."archived_jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "archived_timeline" ADD CONSTRAINT "archived_timeline_job_id_archived_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."archived_jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "archived_jobs_of_user" ON "archived_jobs" USING btree ("user_id","created_at","id");--> statement-breakpoint
CREATE INDEX "archived_jobs_by_time" ON "archived_jobs" USING btree ("created_at","id");