CREATE TABLE "accepted_jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"search" text NOT NULL,
	"input" json NOT NULL,
	"brief" json NOT NULL,
	"accepted_at" timestamp (3) with time zone NOT NULL
);
