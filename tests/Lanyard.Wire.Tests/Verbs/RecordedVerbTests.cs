using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests.Verbs;

/// <summary>
/// Every format here is canonical: after decompression, each meaning has exactly one form (LZ4 blocks have several). The
/// exceptions are fields of later versions and skipped kinds of addresses, which the recordings do not contain.
/// </summary>
public sealed class RecordedVerbTests
{
    public static TheoryData<string, string> Recordings => Recording.All;

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Every_recorded_packet_is_understood_and_writes_back_byte_for_byte(string recording, string node)
    {
        foreach (var packet in Recording.Packets(recording, node))
        {
            var rewritten = VerbRewriter.Rewrite(packet.Verb, packet.Payload.Span);

            Assert.True(rewritten is not null, $"{packet.Verb} of {packet.Time:O} is not understood: {TestData.ToHex(packet.Payload.Span)}");
            Assert.Equal(TestData.ToHex(packet.Payload.Span), TestData.ToHex(rewritten));
        }
    }

    [Fact]
    public void The_recordings_hold_these_verbs()
    {
        var verbs = new HashSet<Verb>();
        var answered = new HashSet<Verb>();
        foreach (var recording in TestData.Recordings)
        {
            foreach (var packet in TestData.Nodes.SelectMany(node => Recording.Packets(recording, node)))
            {
                verbs.Add(packet.Verb);
                if (packet.Verb == Verb.Ok && OkMessage.TryParse(packet.Payload.Span, out var ok))
                    answered.Add(ok.InReVerb);
            }
        }

        Assert.Equal(
            [
                Verb.Hello, Verb.Error, Verb.Ok, Verb.Whois, Verb.Rendezvous, Verb.Frame, Verb.Echo, Verb.MulticastLike,
                Verb.NetworkCredentials, Verb.NetworkConfigRequest, Verb.NetworkConfig, Verb.MulticastGather, Verb.MulticastFrame,
                Verb.PushDirectPaths,
            ],
            verbs.Order());
        Assert.Equal([Verb.Hello, Verb.Whois, Verb.Echo, Verb.NetworkConfigRequest, Verb.MulticastGather, Verb.MulticastFrame], answered.Order());
    }
}
