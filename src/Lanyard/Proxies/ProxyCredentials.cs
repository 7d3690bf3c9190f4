using System.Security.Cryptography;
using System.Text;
using Lanyard.Wire.Crypto;

namespace Lanyard;

/// <summary>The user and password that clients must give. Compared in the same time whatever was given.</summary>
internal sealed class ProxyCredentials
{
    private const int DigestBytes = 64;

    private readonly byte[] _user = new byte[DigestBytes];
    private readonly byte[] _password = new byte[DigestBytes];

    public ProxyCredentials(string user, string password)
    {
        Sha2.Hash512(Encoding.UTF8.GetBytes(user), _user);
        Sha2.Hash512(Encoding.UTF8.GetBytes(password), _password);
    }

    /// <summary>Whether these are they.</summary>
    public bool Match(ReadOnlySpan<byte> user, ReadOnlySpan<byte> password)
    {
        Span<byte> digest = stackalloc byte[DigestBytes];
        Sha2.Hash512(user, digest);
        var isUser = CryptographicOperations.FixedTimeEquals(digest, _user);
        Sha2.Hash512(password, digest);
        return CryptographicOperations.FixedTimeEquals(digest, _password) & isUser;
    }
}
