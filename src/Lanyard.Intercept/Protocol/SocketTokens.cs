using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Protocol;

/// <summary>
/// The tokens that authenticate datagrams between the service and a program's UDP socket. Any user may bind a loopback address and send from any other, so
/// addresses prove nothing. Each direction has a token of its own, sent as IP options: a program that sees one does not know the other, and only a program with a
/// descriptor of the socket sees either.
/// </summary>
/// <param name="ToProgram">The options of datagrams to the program's socket.</param>
/// <param name="FromProgram">The options of datagrams from the program's socket.</param>
internal sealed record SocketTokens(byte[] ToProgram, byte[] FromProgram)
{
    /// <summary>The length of a token in bytes.</summary>
    public const int Bytes = InterceptProtocol.TokenBytes;

    /// <summary>The length of a token as IP options in bytes; a header has room for 40.</summary>
    public const int OptionsBytes = Bytes / 2 * OptionBytes;

    // Router Alert (RFC 2113): the only option that takes any value and needs no privilege. These datagrams pass no router.
    private const byte OptionType = InterceptProtocol.OptionType;
    private const int OptionBytes = InterceptProtocol.OptionBytes;

    /// <summary>Copies the token in <see cref="FromProgram"/>.</summary>
    public void CopyTokenFromProgram(Span<byte> token)
    {
        for (var i = 0; i < Bytes; i++)
            token[i] = FromProgram[(i / 2 * OptionBytes) + 2 + (i % 2)];
    }

    /// <summary>Returns whether a datagram with these options comes from the socket.</summary>
    public bool IsFromProgram(ReadOnlySpan<byte> options) => CryptographicOperations.FixedTimeEquals(options, FromProgram);

    /// <summary>Returns a token as IP options.</summary>
    public static byte[] WriteOptions(ReadOnlySpan<byte> token)
    {
        var options = new byte[OptionsBytes];
        for (var i = 0; i < Bytes; i += 2)
        {
            options[i * 2] = OptionType;
            options[(i * 2) + 1] = OptionBytes;
            token.Slice(i, 2).CopyTo(options.AsSpan((i * 2) + 2));
        }

        return options;
    }
}

/// <summary>
/// Derives the tokens of sockets, so that the next service process has the same tokens: a socket's filter outlives the service. Cookies start again
/// with each boot, so tokens are valid for one boot.
/// </summary>
internal sealed class SocketTokenKey
{
    private const int KeyBytes = 32;
    private const string BootIdFile = "/proc/sys/kernel/random/boot_id";

    private readonly byte[] _key;
    private readonly byte[] _boot = ReadBootId();

    private SocketTokenKey(byte[] key) => _key = key;

    public static SocketTokenKey Create() => new(RandomNumberGenerator.GetBytes(KeyBytes));

    /// <summary>Reads a key that <see cref="ToString"/> wrote; returns null if it is invalid.</summary>
    public static SocketTokenKey? Parse(string? text)
    {
        var key = new byte[KeyBytes];
        return text?.Length == KeyBytes * 2 && Convert.FromHexString(text, key, out _, out _) == System.Buffers.OperationStatus.Done ? new SocketTokenKey(key) : null;
    }

    /// <summary>Returns the key for the file that the next service process reads.</summary>
    public override string ToString() => Convert.ToHexStringLower(_key);

    /// <summary>Returns the tokens of a socket that is bound to a loopback alias address. No other socket has its cookie.</summary>
    public SocketTokens Of(ulong cookie)
    {
        Span<byte> subject = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(subject, cookie);
        return Derive("socket"u8, subject);
    }

    /// <summary>Returns the tokens of a socket on a system address, which sockets of one user may share or inherit.</summary>
    public SocketTokens Of(uint user, InetEndpoint near) =>
        Derive("address"u8, Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{user} {near}")));

    private SocketTokens Derive(ReadOnlySpan<byte> kind, ReadOnlySpan<byte> subject)
    {
        var tokens = HMACSHA256.HashData(_key, (byte[])[.. kind, 0, .. _boot, 0, .. subject]);
        return new SocketTokens(SocketTokens.WriteOptions(tokens.AsSpan(0, SocketTokens.Bytes)), SocketTokens.WriteOptions(tokens.AsSpan(SocketTokens.Bytes)));
    }

    private static byte[] ReadBootId()
    {
        try
        {
            return File.ReadAllBytes(BootIdFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A container may hide the boot ID.
            return [];
        }
    }
}
