using System.Security.Cryptography;
using Lanyard.Wire.Crypto;

namespace Lanyard.Wire.Tests;

public sealed class IdentityTests
{
    public static TheoryData<string, string> Recorded()
    {
        var data = new TheoryData<string, string>();
        foreach (var recording in TestData.Recordings)
        {
            foreach (var node in TestData.Nodes)
                data.Add(recording, node);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_recorded_identity_is_valid_and_its_secret_belongs_to_it(string recording, string node)
    {
        using var identity = TestData.SecretIdentity(recording, node);
        Assert.True(identity.HasSecret);
        Assert.True(identity.Validate());
        Assert.True(Identity.Parse(TestData.Text(recording, $"{node}.identity.public")).Validate());
    }

    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_recorded_identity_is_printed_as_it_was_written(string recording, string node)
    {
        using var identity = TestData.SecretIdentity(recording, node);
        Assert.Equal(TestData.Text(recording, $"{node}.identity.public"), identity.ToString());
        Assert.Equal(TestData.Text(recording, $"{node}.identity.secret"), identity.ToSecretString());
    }

    [Theory]
    [InlineData("peer-1.14")]
    [InlineData("peer-1.4.6")]
    public void A_recorded_signature_is_right_and_made_again_byte_for_byte(string recording)
    {
        using var signer = TestData.SecretIdentity(recording, "a");
        var message = TestData.Bytes(recording, "signed_message.txt");
        var signature = TestData.Hex(TestData.Text(recording, "signature.txt"));
        Assert.True(signer.Verify(message, signature));
        Assert.Equal(signature, signer.Sign(message));
    }

    [Fact]
    public void A_signature_fails_when_any_part_of_it_or_the_message_or_the_signer_changes()
    {
        using var signer = TestData.SecretIdentity("peer-1.14", "a");
        using var other = TestData.SecretIdentity("peer-1.14", "b");
        var message = "a message"u8.ToArray();
        var signature = signer.Sign(message);
        Assert.Equal(Identity.SignatureSize, signature.Length);
        Assert.True(signer.WithoutSecret().Verify(message, signature));
        Assert.False(other.Verify(message, signature));
        Assert.False(signer.Verify("another"u8, signature));
        Assert.False(signer.Verify(message, signature.AsSpan(0, 95)));
        Assert.False(signer.Verify(message, default));
        for (var i = 0; i < signature.Length; i++)
        {
            signature[i] ^= 0x10;
            Assert.False(signer.Verify(message, signature));
            signature[i] ^= 0x10;
        }
    }

    [Fact]
    public void Both_sides_agree_on_one_key_that_no_third_has()
    {
        using var a = TestData.SecretIdentity("peer-1.14", "a");
        using var b = TestData.SecretIdentity("peer-1.14", "b");
        using var r = TestData.SecretIdentity("peer-1.14", "r");
        Span<byte> ab = new byte[Identity.AgreedKeySize], ba = new byte[Identity.AgreedKeySize], ar = new byte[Identity.AgreedKeySize];
        Assert.True(a.TryAgree(b.WithoutSecret(), ab));
        Assert.True(b.TryAgree(a.WithoutSecret(), ba));
        Assert.True(a.TryAgree(r, ar));
        Assert.True(ab.SequenceEqual(ba));
        Assert.False(ab.SequenceEqual(ar));
        Span<byte> shorter = new byte[32];
        Assert.True(a.TryAgree(b, shorter));
        Assert.True(ab[..32].SequenceEqual(shorter));
    }

    [Fact]
    public void There_is_no_agreement_without_a_secret_or_with_a_key_of_small_order()
    {
        using var a = TestData.SecretIdentity("peer-1.14", "a");
        using var b = TestData.SecretIdentity("peer-1.14", "b");
        var key = new byte[Identity.AgreedKeySize];
        Assert.False(a.WithoutSecret().TryAgree(b, key));
        var bytes = new byte[Identity.BinarySize];
        b.Write(bytes);
        bytes.AsSpan(6, X25519.KeySize).Clear();
        Assert.True(Identity.TryRead(bytes, out var weak, out _));
        Assert.False(a.TryAgree(weak, key));
    }

    [Fact]
    public void The_binary_form_reads_back_and_later_bytes_are_ignored()
    {
        using var identity = TestData.SecretIdentity("peer-1.14", "a");
        var bytes = new byte[Identity.SecretBinarySize + 3];
        Assert.Equal(Identity.BinarySize, identity.Write(bytes));
        Assert.True(Identity.TryRead(bytes, out var publicOnly, out var length));
        Assert.Equal(Identity.BinarySize, length);
        Assert.False(publicOnly.HasSecret);
        Assert.Equal(identity, publicOnly);

        Assert.Equal(Identity.SecretBinarySize, identity.WriteWithSecret(bytes));
        Assert.True(Identity.TryRead(bytes, out var whole, out length));
        Assert.Equal(Identity.SecretBinarySize, length);
        Assert.Equal(identity.ToSecretString(), whole.ToSecretString());
    }

    [Fact]
    public void A_binary_form_that_is_cut_short_or_of_another_kind_is_refused()
    {
        using var identity = TestData.SecretIdentity("peer-1.14", "a");
        var bytes = new byte[Identity.SecretBinarySize];
        identity.WriteWithSecret(bytes);
        for (var length = 0; length < bytes.Length; length++)
            Assert.False(Identity.TryRead(bytes.AsSpan(0, length), out _, out _));
        AssertRefusedWith(5, 1);
        AssertRefusedWith(0, 0xff);
        AssertRefusedWith(Identity.BinarySize - 1, 63);
        bytes.AsSpan(0, 5).Clear();
        Assert.False(Identity.TryRead(bytes, out _, out _));

        void AssertRefusedWith(int index, byte value)
        {
            var changed = bytes.ToArray();
            changed[index] = value;
            Assert.False(Identity.TryRead(changed, out _, out _));
        }
    }

    [Fact]
    public void Text_that_is_no_identity_is_refused()
    {
        var secret = TestData.Text("peer-1.14", "a.identity.secret");
        var publicOnly = TestData.Text("peer-1.14", "a.identity.public");
        Assert.True(Identity.TryParse($"  {secret}\r\n", out _));
        Assert.False(Identity.TryParse(null, out _));
        Assert.False(Identity.TryParse("", out _));
        Assert.False(Identity.TryParse(publicOnly + ":", out _));
        Assert.False(Identity.TryParse(publicOnly[..^1], out _));
        Assert.False(Identity.TryParse(publicOnly[..^1] + "g", out _));
        Assert.False(Identity.TryParse(publicOnly[..^1] + "\0", out _));
        Assert.False(NodeAddress.TryParse(publicOnly[..9] + "\0", out _));
        Assert.False(NetworkId.TryParse(publicOnly[..9] + "000000\0", out _));
        Assert.False(Identity.TryParse(secret + "00", out _));
        Assert.False(Identity.TryParse(publicOnly.Replace(":0:", ":1:", StringComparison.Ordinal), out _));
        Assert.False(Identity.TryParse("ff" + publicOnly[2..], out _));
        Assert.False(Identity.TryParse("0000000000" + publicOnly[10..], out _));
        var refusal = Assert.Throws<FormatException>(() => Identity.Parse(secret[..^1]));
        Assert.DoesNotContain(secret[150..^1], refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_bytes_and_texts_are_read_or_refused_without_an_exception()
    {
        using var identity = TestData.SecretIdentity("peer-1.14", "a");
        byte[] bytes = new byte[Identity.SecretBinarySize], changed = new byte[bytes.Length + 8];
        identity.WriteWithSecret(bytes);
        var text = identity.ToSecretString();
        var random = new Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            bytes.CopyTo(changed, 0);
            for (var changes = random.Next(4); changes > 0; changes--)
                changed[random.Next(8) == 0 ? Identity.BinarySize - 1 : random.Next(changed.Length)] = (byte)random.Next(256);
            var source = changed.AsSpan(0, random.Next(changed.Length + 1));
            if (Identity.TryRead(source, out var read, out var length))
            {
                Assert.InRange(length, Identity.BinarySize, source.Length);
                Assert.Equal(length == Identity.SecretBinarySize, read.HasSecret);
            }
            var characters = text.ToCharArray();
            characters[random.Next(characters.Length)] = (char)random.Next(random.Next(2) == 0 ? 128 : 0x10000);
            if (Identity.TryParse(new string(characters, 0, random.Next(4) > 0 ? characters.Length : random.Next(characters.Length)), out read))
                Assert.False(read.Address.IsReserved);
        }
    }

    [Fact]
    public void Signing_verifying_and_agreeing_allocate_nothing()
    {
        using var mine = TestData.SecretIdentity("peer-1.14", "a");
        using var other = TestData.SecretIdentity("peer-1.14", "b");
        byte[] message = new byte[200], signature = new byte[Identity.SignatureSize], key = new byte[Identity.AgreedKeySize];
        Run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
            Run();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run()
        {
            mine.Sign(message, signature);
            mine.Verify(message, signature);
            mine.TryAgree(other, key);
        }
    }

    [Fact]
    public void An_identity_with_another_address_or_key_or_secret_is_not_valid()
    {
        using var a = TestData.SecretIdentity("peer-1.14", "a");
        using var b = TestData.SecretIdentity("peer-1.14", "b");
        Assert.False(Identity.Parse(b.Address + a.ToString()[10..]).Validate());
        Assert.False(Identity.Parse(a.Address + b.ToString()[10..]).Validate());
        Assert.False(Identity.Parse(a + b.ToSecretString()[a.ToString().Length..]).Validate());
    }

    [Fact]
    public void Only_the_secret_text_form_contains_the_secret_and_disposing_erases_it()
    {
        var identity = TestData.SecretIdentity("peer-1.14", "a");
        var secret = identity.ToSecretString()[^128..];
        Assert.DoesNotContain(secret, $"{identity}", StringComparison.Ordinal);
        identity.Dispose();
        Assert.False(identity.HasSecret);
        Assert.Throws<ObjectDisposedException>(() => identity.ToSecretString());
        Assert.Throws<InvalidOperationException>(() => Identity.Parse(identity.ToString()).Sign("x"u8));
    }

    [Fact]
    public void Equality_is_by_address_and_public_keys()
    {
        using var a = TestData.SecretIdentity("peer-1.14", "a");
        using var b = TestData.SecretIdentity("peer-1.14", "b");
        Assert.Equal(a, a.WithoutSecret());
        Assert.Equal(a.GetHashCode(), a.WithoutSecret().GetHashCode());
        Assert.NotEqual(a, b);
        Span<byte> first = new byte[Identity.FingerprintSize], second = new byte[Identity.FingerprintSize];
        a.WriteFingerprint(first);
        Assert.Equal(SHA384.HashData([.. TestData.Hex(a.Address.ToString()), .. a.PublicKey]), first);
        a.WithoutSecret().WriteFingerprint(second);
        Assert.True(first.SequenceEqual(second));
        b.WriteFingerprint(second);
        Assert.False(first.SequenceEqual(second));
    }

    [Fact]
    public void A_generated_identity_is_valid_and_made_of_the_random_bytes_it_was_given()
    {
        var attempts = 0;
        using var identity = Identity.Generate(Fill, new Attempts(count => attempts = count));
        using var again = Identity.Generate(Fill);
        Assert.True(identity.Validate());
        Assert.True(identity.HasSecret);
        Assert.True(attempts > 0);
        Assert.Equal(identity.ToSecretString(), again.ToSecretString());

        static void Fill(Span<byte> destination) => new Random(7).NextBytes(destination);
    }

    [Fact]
    public void Generation_ends_when_it_is_canceled()
    {
        using var cancellation = new CancellationTokenSource();
        var progress = new Attempts(_ => cancellation.Cancel());
        Assert.Throws<OperationCanceledException>(() => Identity.Generate(new Random(9).NextBytes, progress, cancellation.Token));
    }

    private sealed class Attempts(Action<int> report) : IProgress<int>
    {
        public void Report(int value) => report(value);
    }
}
