using Lanyard.Engine.Packets;
using Lanyard.Engine.Tests.Harness;
using Lanyard.Primitives;
using Lanyard.Wire;
using Lanyard.Wire.Packets;

namespace Lanyard.Engine.Tests.Parts;

/// <summary>The packets that are queued for their sender's identity or credentials.</summary>
public sealed class WaitingPacketsTests : IDisposable
{
    private const long Now = PeerParts.Now;
    private static readonly InetEndpoint Endpoint = InetEndpoint.Parse("46.0.0.1/9993");
    private readonly PeerParts _parts = new(options => options with { MaxWaitingPackets = 4 });
    private readonly SessionKey _key = new(new byte[SessionKey.SecretBytes]);
    private readonly WaitingPackets _waiting;
    private readonly List<(byte Id, SessionKey? Key)> _released = [];

    public WaitingPacketsTests()
    {
        _waiting = new WaitingPackets(_parts.Context, _parts.Peers.Endpoints);
        _waiting.Released += (long _, int _, in InetEndpoint _, Span<byte> packet, SessionKey? key) => _released.Add((packet[0], key));
    }

    public void Dispose() => _key.Dispose();

    [Fact]
    public void Packets_are_released_in_order_when_their_sender_is_known()
    {
        Add(1, sender: 7);
        Add(2, sender: 8);
        Add(3, sender: 7);
        _waiting.Retry(Now, new NodeAddress(7), authenticated: false);
        Assert.Equal([(1, null), (3, null)], _released);
    }

    [Fact]
    public void Packets_that_wait_for_credentials_are_released_apart_with_their_key()
    {
        Add(1, sender: 7);
        Add(2, sender: 7, key: _key);
        _waiting.Retry(Now, new NodeAddress(7), authenticated: true);
        Assert.Equal([(2, _key)], _released);
    }

    [Fact]
    public void A_packet_is_dropped_after_five_seconds()
    {
        Add(1, sender: 7);
        Add(2, sender: 7, key: _key);
        _waiting.Poll(Now + 5_000);
        _waiting.Poll(Now + 5_300);
        _waiting.Retry(Now + 5_300, new NodeAddress(7), authenticated: false);
        Assert.Empty(_released);
        Assert.Equal(1, _parts.Dropped(DropReason.QueueExpired));
        Assert.Equal(1, _parts.Dropped(DropReason.NotAMember));
        Assert.Equal(long.MaxValue, _waiting.NextDeadlineMs);
    }

    [Fact]
    public void A_full_queue_drops_the_oldest_packet_of_the_prefix_with_most()
    {
        Add(1, sender: 1, from: "46.0.1.1/1");
        Add(2, sender: 2, from: "46.0.2.1/1");
        Add(3, sender: 3, from: "46.0.2.2/1");
        Add(4, sender: 4, from: "46.0.3.1/1");
        Add(5, sender: 5, from: "46.0.4.1/1");
        for (var sender = 1UL; sender <= 5; sender++)
            _waiting.Retry(Now, new NodeAddress(sender), authenticated: false);
        Assert.Equal([1, 3, 4, 5], _released.Select(packet => (int)packet.Id));
    }

    [Fact]
    public void A_full_queue_for_credentials_drops_the_oldest_packet_of_the_peer_with_most()
    {
        Add(1, sender: 1, key: _key);
        Add(2, sender: 2, key: _key);
        Add(3, sender: 2, key: _key);
        Add(4, sender: 3, key: _key);
        Add(5, sender: 4, key: _key);
        for (var sender = 1UL; sender <= 4; sender++)
            _waiting.Retry(Now, new NodeAddress(sender), authenticated: true);
        Assert.Equal([1, 3, 4, 5], _released.Select(packet => (int)packet.Id));
    }

    private void Add(byte id, ulong sender, string? from = null, SessionKey? key = null) =>
        _waiting.Add(Now, new NodeAddress(sender), 0, from is null ? Endpoint : InetEndpoint.Parse(from), [id], key);
}
