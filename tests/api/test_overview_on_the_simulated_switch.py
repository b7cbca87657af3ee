"""What is read of a switch, on the simulated one, which prints it by a reading of the source of its own."""

from __future__ import annotations

import pytest

from esl_outbound import ApiFailed, CallHandler
from esl_outbound.testing import FakeFreeSwitch


async def test_a_handler_sees_its_own_channel_among_the_switch_s(phone: FakeFreeSwitch) -> None:
    class Watcher(CallHandler):
        async def run(self) -> None:
            await self.answer()
            switch = self.freeswitch
            (channel,) = await switch.show_channels()
            assert (channel.uuid, channel.direction, channel.dest) == (self.channel_uuid, "inbound", "5000")
            assert (channel.cid_name, channel.callstate, channel.more) == ('Smith, "J" ${x}', "ACTIVE", {})
            assert await switch.show_channels(like="no such thing") == []
            (call,) = await switch.show_calls()
            assert (call.a_leg.uuid, call.b_leg) == (self.channel_uuid, None)
            assert (await switch.count_channels(), await switch.count_calls()) == (1, 1)
            status = await switch.status()
            assert (status.is_ready, status.sessions, status.sessions_since_startup) == (True, 1, 1)
            assert None not in (status.uptime, status.sessions_max, status.idle_cpu, status.stack_size)
            assert (await switch.version()).number == (1, 11, 3)
            assert "mod_sofia" in {one.ikey for one in await switch.show_modules()}
            assert "answer" in {one.name for one in await switch.show_applications()}
            assert "status" in {one.name for one in await switch.show_api()}
            assert (await switch.global_variables())["domain"] == await switch.global_getvar("domain")
            await self.hangup()

    async with phone.dial(Watcher, caller_id_name='Smith, "J" ${x}') as caller:
        await caller.was_hung_up()


async def test_a_handler_sees_profiles_gateways_and_registrations(phone: FakeFreeSwitch) -> None:
    phone.gateway("acme", state="FAIL_WAIT", is_up=False)
    phone.registered("1001", "example.com")

    class Watcher(CallHandler):
        async def run(self) -> None:
            switch = self.freeswitch
            status = await switch.sofia_status()
            assert {profile.name for profile in status.profiles} == {"internal", "external"}
            assert [(one.name, one.profile, one.state) for one in status.gateways] == [
                ("acme", "external", "FAIL_WAIT")
            ]
            assert {alias.profile for alias in status.aliases} == {"internal"}
            assert (await switch.sofia_status_gateway("acme")).status == "DOWN"
            profile = await switch.sofia_status_profile("internal")
            assert (profile.registrations, profile.more.get("Auto-NAT")) == (1, "false")
            (phone_,) = await switch.sofia_registrations("internal")
            assert (phone_.user, phone_.status) == ("1001@example.com", "Registered(UDP)")
            assert (phone_.expires_in, (await switch.show_registrations())[0].reg_user) == (3600, "1001")
            assert len(await switch.sofia_contact("1001", "example.com")) == 1
            assert await switch.sofia_contact("1002", "example.com") == ()
            assert await switch.sofia_profile_gwlist("external", down=True) == ["acme"]
            with pytest.raises(ApiFailed, match="Invalid Profile"):
                await switch.sofia_profile_rescan("nothing")
            with pytest.raises(ApiFailed, match="Invalid Gateway"):
                await switch.sofia_status_gateway("nothing")
            await self.hangup()

    async with phone.dial(Watcher) as caller:
        await caller.was_hung_up()


async def test_a_handler_sets_a_switch(phone: FakeFreeSwitch) -> None:
    class Administrator(CallHandler):
        async def run(self) -> None:
            switch = self.freeswitch
            await switch.reloadxml()
            await switch.reload("mod_sofia")
            with pytest.raises(ApiFailed):
                await switch.load("mod_sofia")
            await switch.global_setvar("office", "it's a=b")
            assert await switch.global_getvar("office") == "it's a=b"
            assert await switch.fsctl_max_sessions(7) == 7
            assert (await switch.status()).sessions_max == 7
            await switch.fsctl_pause()
            assert (await switch.fsctl_pause_check(), await switch.fsctl_pause_check("inbound")) == (True, True)
            await switch.fsctl_resume()
            assert (await switch.fsctl_pause_check(), await switch.fsctl_ready_check()) == (False, True)
            task = await switch.sched_api(5, "status", group="watch")
            assert (await switch.sched_del(task), await switch.sched_del("watch")) == (1, 0)
            await self.hangup()

    async with phone.dial(Administrator) as caller:
        await caller.was_hung_up()
