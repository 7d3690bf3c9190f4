using System.Security.Cryptography;
using System.Text;

namespace Lanyard.Proxies;

/// <summary>The user and password that clients must send. The comparison takes the same time for any input.</summary>
internal sealed class ProxyCredentials(string user, string password)
{
    private readonly byte[] _user = Digest(Encoding.UTF8.GetBytes(user));
    private readonly byte[] _password = Digest(Encoding.UTF8.GetBytes(password));

    /// <summary>Whether a user and password are the required ones.</summary>
    public bool Match(ReadOnlySpan<byte> user, ReadOnlySpan<byte> password)
    {
        var isUser = CryptographicOperations.FixedTimeEquals(Digest(user), _user);
        return CryptographicOperations.FixedTimeEquals(Digest(password), _password) & isUser;
    }

#if NET
    private static byte[] Digest(ReadOnlySpan<byte> text) => SHA512.HashData(text);
#else
    private static byte[] Digest(ReadOnlySpan<byte> text)
    {
        using var sha = SHA512.Create();
        return sha.ComputeHash(text.ToArray());
    }
#endif
}
