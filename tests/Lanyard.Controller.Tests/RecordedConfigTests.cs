using Lanyard.Dissector;
using Lanyard.Wire;
using Lanyard.Wire.Verbs;

namespace Lanyard.Controller.Tests;

/// <summary>Creates the configurations of the recorded controller again. Signatures depend only on keys and time, so all bytes are equal.</summary>
public class RecordedConfigTests
{
    [Theory]
    [InlineData("peer-1.14", "a")]
    [InlineData("peer-1.14", "b")]
    [InlineData("peer-1.4.6", "a")]
    [InlineData("peer-1.4.6", "b")]
    public void The_recorded_configurations_are_made_again_byte_for_byte(string recording, string node)
    {
        var test = new TestController(recording, new ControllerLimits { MinRequestInterval = TimeSpan.Zero });
        var identity = TestData.SecretIdentity(recording, node);
        test.Post("", RecordedApiTests.NetworkBody);
        test.Post($"member/{identity.Address}", RecordedApiTests.MemberBody);
        var metadata = Array.Empty<byte>();
        var compared = 0;
        foreach (var packet in Recording.Packets(recording, node))
        {
            if (packet.Verb == Verb.NetworkConfigRequest && packet.Source == identity.Address && NetworkConfigRequestMessage.TryParse(packet.Payload.Span, out var request))
                metadata = request.Metadata.ToArray();
            if (packet.Destination != identity.Address || ConfigIn(packet, test) is not { } recorded || !NetworkConfig.TryParse(recorded, out var parsed))
                continue;
            test.NowMs = parsed.Timestamp;
            var reply = test.AskNow(identity, metadata);
            Assert.Equal(ControllerReason.Member, reply.Reason);
            Assert.True(reply.Message!.Config!.TryWrite(out var made));
            Assert.Equal(Readable(recorded), Readable(made));
            compared++;
        }

        Assert.True(compared > 0);
    }

    private static byte[]? ConfigIn(CaptureEntry packet, TestController test)
    {
        var payload = packet.Payload.Span;
        if (packet.Verb == Verb.Ok && OkMessage.TryParse(payload, out var ok) && ok.InReVerb == Verb.NetworkConfigRequest)
            payload = ok.Payload;
        else if (packet.Verb != Verb.NetworkConfig)
            return null;
        Assert.True(NetworkConfigMessage.TryParse(payload, out var message));
        Assert.Equal(NetworkConfigChunkResult.Complete, new NetworkConfigAssembler(test.NetworkId).Add(message, packet.Source, test.Identity, out var config));
        return config;
    }

    // One character a byte, so that a failure shows where.
    private static string Readable(byte[] text) => string.Concat(text.Select(b => (char)b));
}
