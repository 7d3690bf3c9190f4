namespace Lanyard.NetStack.Tests;

/// <summary>The user timeout on the wire, RFC 5482.</summary>
public class TcpUserTimeoutTests
{
    private static readonly TcpOptions Negotiating = new() { NegotiateUserTimeout = true };

    [Theory]
    [InlineData(50, 50)]
    [InlineData(32_767, 32_767)]
    [InlineData(90_000, 90_000)]
    public void A_SYN_tells_the_user_timeout_in_seconds_or_minutes(int seconds, int told)
    {
        var options = Negotiating with { UserTimeout = TimeSpan.FromSeconds(seconds) };
        Assert.Equal(told, RawConnection.Start(new RawPeer(), options).Syn.UserTimeout);
        Assert.Equal(0, RawConnection.Start(new RawPeer(), options with { NegotiateUserTimeout = false }).Syn.UserTimeout);
        Assert.Equal(0, RawConnection.Start(new RawPeer(), Negotiating).Syn.UserTimeout);
    }

    [Theory]
    [InlineData(200, 200)]
    [InlineData(5, 100)]
    [InlineData(0x8000 + 500, 3_600)]
    public void What_the_other_end_tells_is_adopted_within_bounds(int field, int seconds)
    {
        byte[] answer = [2, 4, 0x05, 0xb4, 28, 4, (byte)(field >> 8), (byte)field];
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: Negotiating, synOptions: answer);
        Assert.Equal(seconds * 1_000_000L, raw.Connection.GetInfo().UserTimeout);
        raw.Write(100);
        peer.Advance((seconds * 1_000_000L) - 1_000_000);
        Assert.Null(raw.Events.Closed);
        peer.Advance(2_000_000);
        Assert.Equal(NetError.TimedOut, raw.Events.Closed);
        Assert.Equal(0, RawConnection.Open(new RawPeer(), synOptions: answer).Connection.GetInfo().UserTimeout);
    }

    [Fact]
    public void A_changed_timeout_is_told_once_with_an_empty_segment_and_heard_on_any()
    {
        var peer = new RawPeer();
        var raw = RawConnection.Open(peer, options: Negotiating, synOptions: [2, 4, 0x05, 0xb4, 1, 1, 4, 2]);
        raw.Send(TcpFlags.Ack, 0, 0, options: [28, 4, 0, 150]);
        Assert.Equal(150_000_000, raw.Connection.GetInfo().UserTimeout);
        Assert.Empty(raw.All());
        raw.Connection.Configure(peer.Now, Negotiating with { UserTimeout = TimeSpan.FromSeconds(9) });
        Assert.Equal(9, Assert.Single(raw.All()).UserTimeout);
        raw.Connection.Configure(peer.Now, Negotiating with { UserTimeout = TimeSpan.FromSeconds(9), NoDelay = false });
        Assert.Empty(raw.All());
        // Beside three blocks there is no room; it waits.
        for (var i = 1; i <= 5; i += 2)
            raw.Send(TcpFlags.Ack, i * 100, 0, new byte[100]);
        raw.All();
        raw.Connection.Configure(peer.Now, Negotiating with { UserTimeout = TimeSpan.FromSeconds(8) });
        var full = Assert.Single(raw.All());
        Assert.Equal((3, 0), (full.Sack.Length, full.UserTimeout));
        raw.Send(TcpFlags.Ack, 0, 0, new byte[600]);
        Assert.Equal(8, Assert.Single(raw.All()).UserTimeout);
    }

    [Fact]
    public void What_the_app_has_set_is_not_changed_from_outside()
    {
        byte[] answer = [2, 4, 0x05, 0xb4, 28, 4, 0, 200];
        var options = Negotiating with { UserTimeout = TimeSpan.FromSeconds(7) };
        var raw = RawConnection.Open(new RawPeer(), options: options, synOptions: answer);
        Assert.Equal(7_000_000, raw.Connection.GetInfo().UserTimeout);
    }
}
