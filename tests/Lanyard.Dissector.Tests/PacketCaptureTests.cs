using Lanyard.Wire.Tests;
using Lanyard.Wire.Verbs;

namespace Lanyard.Dissector.Tests;

public sealed class PacketCaptureTests
{
    private const string TestRecording = "peer-1.14";

    [Fact]
    public void With_the_secrets_of_all_nodes_every_packet_is_described_to_its_end()
    {
        var keys = Recording.KeysOf(TestRecording);
        var packets = Read("a", keys).Where(entry => entry.Other is null).ToList();

        Assert.Equal(437, packets.Count);
        Assert.All(packets, packet => Assert.Equal(PacketState.Authentic, packet.State));
        Assert.All(packets, packet => Assert.True(packet.Describe(keys).IsUnderstood));
        Assert.Equal("HELLO", packets[0].VerbName);
        Assert.Equal("Poly1305, clear", packets[0].SuiteName);
        Assert.StartsWith("1.14.1 (protocol 12) identity ", packets[0].Describe(keys).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_keys_a_packet_has_neither_verb_nor_payload_and_the_description_says_why()
    {
        var keys = new KeyRing();
        var packet = Read("a", keys).First(entry => entry.Other is null);

        Assert.Equal(PacketState.NoKey, packet.State);
        Assert.False(packet.IsReadable);
        Assert.Equal("?", packet.VerbName);
        Assert.True(packet.Payload.IsEmpty);
        Assert.Equal($"not decrypted: needs the secret keys of {packet.Source} or {packet.Destination}, and the identity of the other", packet.Describe(keys).ToString());
        Assert.False(packet.Describe(keys).IsUnderstood);
    }

    [Fact]
    public void Other_traffic_is_described_by_its_name()
    {
        var keys = new KeyRing();
        var other = Read("a", keys).First(entry => entry.Other is not null);

        Assert.Equal("other", other.VerbName);
        Assert.Equal("hole punching (4 bytes)", other.Describe(keys).ToString());
        Assert.False(other.Describe(keys).IsUnderstood);
    }

    [Fact]
    public void Identities_in_a_capture_are_added_to_the_key_ring()
    {
        var keys = new KeyRing();
        Assert.True(keys.Add(TestData.SecretIdentity(TestRecording, "r")));

        _ = Read("r", keys);

        Assert.Equal(TestData.Nodes.Length, keys.Count);
    }

    [Fact]
    public void An_identity_with_a_secret_replaces_one_without_but_not_the_reverse()
    {
        var keys = new KeyRing();
        var secret = TestData.SecretIdentity(TestRecording, "a");

        Assert.True(keys.Add(secret.WithoutSecret()));
        Assert.True(keys.Add(secret));
        Assert.False(keys.Add(secret.WithoutSecret()));
        Assert.True(keys.Find(secret.Address)!.HasSecret);
        Assert.Null(keys.Find(default));
    }

    [Fact]
    public void Text_from_the_network_cannot_control_a_terminal()
    {
        byte[] metadata = [.. "\u001b[2J\"\r\n"u8];
        byte[] payload = [.. new byte[8], 0, (byte)metadata.Length, .. metadata, .. new byte[16]];

        var text = PayloadDescriber.Describe(Verb.NetworkConfigRequest, payload, new KeyRing()).ToString();

        Assert.Contains("\".[2J...\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text, char.IsControl);
    }

    private static IReadOnlyList<CaptureEntry> Read(string node, KeyRing keys) =>
        PacketCapture.Read(CaptureFile.Read(TestData.Bytes(TestRecording, $"{node}.pcap")), keys);
}
