-- Own argument: how long a token of the session may live, for a session that is not known any more
local outcome = is_gone() and 'gone' or 'ended'
drop(tonumber(argument(1)))
return session_reply(outcome)
