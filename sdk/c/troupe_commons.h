/* What a core module that runs as a job may ask of its host: docs/spec/host-abi.md.
   Made of the table in crates/abi/src/table.rs; a test compares. */
#ifndef TROUPE_COMMONS_H
#define TROUPE_COMMONS_H

#include <stdint.h>

#define TROUPE_MAX_ID 256
#define TROUPE_MAX_DOCUMENT 49152

/* The capability is not granted, or it would be for another than the principal. */
#define TROUPE_DENIED (-1)
/* The bytes are not all within the guest's memory. */
#define TROUPE_BAD_POINTER (-2)
/* More bytes than the function takes, or than a limit allows. */
#define TROUPE_TOO_LARGE (-3)
/* The bytes or the number are not what the function takes. */
#define TROUPE_MALFORMED (-4)
/* There is no such member. */
#define TROUPE_NOT_FOUND (-5)
/* This host cannot do that: it has no commons, or the function is not there yet. */
#define TROUPE_NOT_AVAILABLE (-6)
/* No more calls or acts are left for this message. */
#define TROUPE_EXHAUSTED (-7)

/* 1: Copies the beginning of the input into the room, as far as it goes; returns how long the input is. */
__attribute__((import_module("icn"), import_name("host_take_input")))
extern int32_t host_take_input(void *into, uint32_t cap);

/* 2: Adds bytes to the output; returns how long it is now. At most as much as the limit `reply` allows. */
__attribute__((import_module("icn"), import_name("host_put_output")))
extern int32_t host_put_output(const void *bytes, uint32_t bytes_len);

/* 3: Copies the beginning of what the last call led to whose result is bytes; returns how long that is. */
__attribute__((import_module("icn"), import_name("host_take_result")))
extern int32_t host_take_result(void *into, uint32_t cap);

/* 4: Copies the beginning of the state that the last message left; returns how long it is. */
__attribute__((import_module("icn"), import_name("host_take_state")))
extern int32_t host_take_state(void *into, uint32_t cap);

/* 5: Sets the state that the next message finds, so that a job of several messages goes on; returns 0. */
__attribute__((import_module("icn"), import_name("host_put_state")))
extern int32_t host_put_state(const void *bytes, uint32_t bytes_len);

/* 10: The balance of a member, named by id; of the principal if the name is empty. */
__attribute__((import_module("icn"), import_name("host_account_get_mana")))
extern int64_t host_account_get_mana(const void *account, uint32_t account_len);

/* 11: Spends mana of the principal, whose account it must be, on the fees of the commons. */
__attribute__((import_module("icn"), import_name("host_account_spend_mana")))
extern int32_t host_account_spend_mana(const void *account, uint32_t account_len, int64_t amount);

/* 12: Gives a member mana from the budget that governance gave to the principal. */
__attribute__((import_module("icn"), import_name("host_account_credit_mana")))
extern int32_t host_account_credit_mana(const void *account, uint32_t account_len, int64_t amount);

/* 16: Submits a job. */
__attribute__((import_module("icn"), import_name("host_submit_mesh_job")))
extern int64_t host_submit_mesh_job(const void *job, uint32_t job_len);

/* 17: Makes a proposal. */
__attribute__((import_module("icn"), import_name("host_create_governance_proposal")))
extern int64_t host_create_governance_proposal(const void *proposal, uint32_t proposal_len);

/* 18: Opens a proposal for voting. */
__attribute__((import_module("icn"), import_name("host_open_governance_voting")))
extern int32_t host_open_governance_voting(const void *proposal, uint32_t proposal_len);

/* 19: Casts the principal's ballot, and nobody else's. */
__attribute__((import_module("icn"), import_name("host_cast_governance_vote")))
extern int32_t host_cast_governance_vote(const void *ballot, uint32_t ballot_len);

/* 20: Has the ballots counted of a proposal whose time is over. */
__attribute__((import_module("icn"), import_name("host_close_governance_proposal_voting")))
extern int32_t host_close_governance_proposal_voting(const void *proposal, uint32_t proposal_len);

/* 21: Has a proposal take effect that passed and whose timelock is over. */
__attribute__((import_module("icn"), import_name("host_execute_governance_proposal")))
extern int32_t host_execute_governance_proposal(const void *proposal, uint32_t proposal_len);

/* 22: The ids of jobs that take bids, as a JSON array; at most 100. */
__attribute__((import_module("icn"), import_name("host_get_pending_mesh_jobs")))
extern int64_t host_get_pending_mesh_jobs(void);

/* 23: Sends the receipt of a job that was awarded to the principal. */
__attribute__((import_module("icn"), import_name("host_anchor_receipt")))
extern int64_t host_anchor_receipt(const void *receipt, uint32_t receipt_len);

/* 24: The score of a member, named by id; of the principal if the name is empty. */
__attribute__((import_module("icn"), import_name("host_get_reputation")))
extern int64_t host_get_reputation(const void *member, uint32_t member_len);

/* 25: Not available here. */
__attribute__((import_module("icn"), import_name("host_verify_zk_proof")))
extern int32_t host_verify_zk_proof(const void *proof, uint32_t proof_len);

/* 26: Not available here. */
__attribute__((import_module("icn"), import_name("host_generate_zk_proof")))
extern int64_t host_generate_zk_proof(const void *request, uint32_t request_len);

#endif
