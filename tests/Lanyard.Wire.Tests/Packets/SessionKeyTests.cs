using System.Security.Cryptography;
using Lanyard.Dissector;
using Lanyard.Wire.Crypto;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests.Packets;

public sealed class SessionKeyTests
{
    private static readonly NodeAddress Destination = NodeAddress.Parse("0102030405");
    private static readonly NodeAddress Source = NodeAddress.Parse("a1a2a3a4a5");
    private static readonly SessionKey Key = new(TestData.RandomBytes(1, SessionKey.SecretBytes));

    public static TheoryData<CipherSuite> Suites => [CipherSuite.Poly1305, CipherSuite.Salsa2012Poly1305, CipherSuite.AesGmacSiv];

    public static TheoryData<string, string> Recordings => Recording.All;

    [Theory]
    [MemberData(nameof(Suites))]
    public void An_armored_packet_is_dearmored_by_the_receiver(CipherSuite suite)
    {
        foreach (var length in new[] { 0, 1, 15, 16, 17, 63, 64, 65, 1000, PacketFormat.MaxPayloadBytes })
        {
            var (packet, payload) = NewPacket(length);

            Key.Armor(packet, suite);
            if (suite != CipherSuite.Poly1305 && length > 16)
                Assert.NotEqual(payload, packet[PacketFormat.HeaderBytes..]);
            Assert.True(Key.TryDearmor(packet));

            Assert.True(PacketView.TryParse(packet, out var view));
            Assert.Equal(suite, view.Suite);
            Assert.Equal(Verb.Echo, view.Verb);
            Assert.Equal(payload, view.Payload.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Suites))]
    public void Hops_may_change_on_the_way_and_no_other_bit(CipherSuite suite)
    {
        var (packet, _) = NewPacket(40);
        Key.Armor(packet, suite);
        for (var bit = 0; bit < packet.Length * 8; bit++)
        {
            var changed = packet.ToArray();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));

            var isHops = bit / 8 == 18 && bit % 8 < 3;
            Assert.Equal(isHops, Key.TryDearmor(changed));
        }

        for (var i = 0; i < PacketFormat.MaxHops; i++)
        {
            PacketHeader.TryIncrementHops(packet, PacketFormat.MaxHops);
            Assert.True(Key.TryDearmor(packet.ToArray()));
        }
    }

    [Theory]
    [MemberData(nameof(Suites))]
    public void A_packet_that_lost_or_gained_bytes_is_not_authentic(CipherSuite suite)
    {
        var (packet, _) = NewPacket(40);
        Key.Armor(packet, suite);

        for (var length = 0; length < packet.Length; length++)
            Assert.False(Key.TryDearmor(packet.AsSpan(0, length).ToArray()));
        Assert.False(Key.TryDearmor([.. packet, 0]));
        Assert.True(Key.TryDearmor(packet));
    }

    [Theory]
    [MemberData(nameof(Suites))]
    public void Another_key_does_not_open_a_packet(CipherSuite suite)
    {
        var (packet, _) = NewPacket(40);
        Key.Armor(packet, suite);

        Assert.False(new SessionKey(TestData.RandomBytes(2, SessionKey.SecretBytes)).TryDearmor(packet));
    }

    [Fact]
    public void A_suite_without_a_key_is_neither_armored_nor_dearmored()
    {
        var (packet, _) = NewPacket(40);
        Assert.Throws<ArgumentException>(() => Key.Armor(packet, CipherSuite.TrustedPath));
        Assert.Throws<ArgumentException>(() => Key.Armor(packet, (CipherSuite)5));
        for (var suite = 4; suite < 8; suite++)
        {
            PacketHeader.SetSuite(packet, (CipherSuite)suite);
            Assert.False(Key.TryDearmor(packet));
        }

        PacketHeader.SetTrustedPath(packet, 1);
        Assert.False(Key.TryDearmor(packet));
    }

    [Fact]
    public void Too_few_bytes_are_no_packet()
    {
        Assert.Throws<ArgumentException>(() => Key.Armor(new byte[27], CipherSuite.Poly1305));
        Assert.False(Key.TryDearmor(new byte[27]));
        Assert.Throws<ArgumentException>(() => new SessionKey(new byte[32]));
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Armoring_a_recorded_packet_again_gives_the_recorded_bytes(string recording, string node)
    {
        var keys = Recording.KeysOf(recording);
        var secrets = new Dictionary<ulong, byte[]>();
        foreach (var entry in Recording.Packets(recording, node))
        {
            // The same secret both ways.
            var pair = entry.Source.Value ^ entry.Destination.Value;
            if (!secrets.TryGetValue(pair, out var secret))
                secrets[pair] = secret = SecretOf(recording, entry);
            var key = keys.KeyOf(entry.Source, entry.Destination)!;
            var packet = entry.Bytes.ToArray();
            packet[18] &= 0xf8;
            var recorded = packet.ToArray();
            Assert.True(key.TryDearmor(packet));
            if (entry.Suite == CipherSuite.AesGmacSiv)
                FirstPacketId(secret, packet).CopyTo(packet, 0);
            packet.AsSpan(19, 8).Clear();

            key.Armor(packet, entry.Suite);

            Assert.Equal(TestData.ToHex(recorded), TestData.ToHex(packet));
        }
    }

    [Fact]
    public void The_end_of_a_hello_is_encrypted_apart_and_does_not_depend_on_the_last_bits_of_the_id()
    {
        var (packet, payload) = NewPacket(80);
        var other = packet.ToArray();
        other[7] ^= 7;

        Key.CryptHelloTail(packet, PacketFormat.HeaderBytes + 30);
        Key.CryptHelloTail(other, PacketFormat.HeaderBytes + 30);

        Assert.Equal(payload[..30], packet[28..58]);
        Assert.NotEqual(payload[30..], packet[58..]);
        Assert.Equal(packet[58..], other[58..]);
        Key.CryptHelloTail(packet, PacketFormat.HeaderBytes + 30);
        Assert.Equal(payload, packet[28..]);
        Assert.Throws<ArgumentOutOfRangeException>(() => Key.CryptHelloTail(packet, 27));
        Assert.Throws<ArgumentOutOfRangeException>(() => Key.CryptHelloTail(packet, packet.Length + 1));
    }

    [Fact]
    public void Two_nodes_agree_on_one_key_and_a_node_without_a_secret_on_none()
    {
        var a = TestData.SecretIdentity("peer-1.14", "a");
        var b = TestData.SecretIdentity("peer-1.14", "b");
        Assert.True(SessionKey.TryAgree(a, b.WithoutSecret(), out var ours));
        Assert.True(SessionKey.TryAgree(b, a.WithoutSecret(), out var theirs));
        Assert.False(SessionKey.TryAgree(a.WithoutSecret(), b, out _));
        var (packet, _) = NewPacket(40);

        ours.Armor(packet, CipherSuite.AesGmacSiv);

        Assert.True(theirs.TryDearmor(packet));
    }

    [Theory]
    [MemberData(nameof(Suites))]
    public void Armoring_and_dearmoring_frames_allocates_nothing(CipherSuite suite)
    {
        var (packet, _) = NewPacket(1400);
        for (var i = 0; i < 100; i++)
            Assert.True(ArmorAndOpen(packet, suite));

        var before = GC.GetAllocatedBytesForCurrentThread();
        var opened = 0;
        for (var i = 0; i < 100; i++)
            opened += ArmorAndOpen(packet, suite) ? 1 : 0;
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(100, opened);
        Assert.Equal(0, allocated);
    }

    private static bool ArmorAndOpen(Span<byte> buffer, CipherSuite suite)
    {
        var builder = new PacketBuilder(buffer, 60, buffer.Length - 60);
        var writer = new ByteWriter(builder.Prepend(FrameMessage.HeaderBytes));
        new FrameMessage { NetworkId = new NetworkId(1), EtherType = 0x0800 }.Write(ref writer);
        var packet = builder.Seal(5, Destination, Source, Verb.Frame);
        Key.Armor(packet, suite);
        return Key.TryDearmor(packet)
            && PacketView.TryParse(packet, out var view)
            && FrameMessage.TryParse(view.Payload, out var frame)
            && frame.Data.Length == buffer.Length - 60;
    }

    // Suite 3 encrypts the packet ID with the rest of the tag; the framework's AES tells what it was before.
    private static byte[] FirstPacketId(byte[] secret, ReadOnlySpan<byte> packet)
    {
        var key = new byte[KeyDerivation.KeySize];
        KeyDerivation.Derive(secret, KeyDerivation.LabelAesGmacSivKey1, 0, 0, key);
        using var aes = Aes.Create();
        aes.Key = key[..AesGmacSiv.KeySize];
        return aes.DecryptEcb([.. packet[..8], .. packet.Slice(19, 8)], PaddingMode.None)[..8];
    }

    private static byte[] SecretOf(string recording, CaptureEntry entry)
    {
        var nodes = TestData.Nodes.Select(node => TestData.SecretIdentity(recording, node)).ToDictionary(identity => identity.Address);
        var secret = new byte[SessionKey.SecretBytes];
        Assert.True(nodes[entry.Source].TryAgree(nodes[entry.Destination], secret));
        return secret;
    }

    private static (byte[] Packet, byte[] Payload) NewPacket(int payloadLength)
    {
        var payload = TestData.RandomBytes(payloadLength, payloadLength);
        var packet = new byte[PacketFormat.HeaderBytes + payloadLength];
        payload.CopyTo(packet.AsSpan(PacketFormat.HeaderBytes));
        PacketHeader.Write(packet, 0x0123456789abcdef, Destination, Source, Verb.Echo);
        return (packet, payload);
    }
}
