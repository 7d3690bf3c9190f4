namespace Lanyard.Wire;

/// <summary>
/// The details of the error NETWORK_AUTHENTICATION_REQUIRED: where and how to sign on. A dictionary, which is stored and passed on; this library does not
/// act on it.
/// </summary>
public sealed record NetworkAuthenticationInfo
{
    private const int MaxLength = 8192;

    /// <summary>0: only a URL is given; 1: the fields of OpenID Connect are given.</summary>
    public ulong Version { get; init; }

    /// <summary>The URL to sign on.</summary>
    public string AuthenticationUrl { get; init; } = "";

    /// <summary>The OpenID Connect issuer.</summary>
    public string IssuerUrl { get; init; } = "";

    /// <summary>The management service.</summary>
    public string CentralUrl { get; init; } = "";

    /// <summary>The nonce of the sign-on.</summary>
    public string Nonce { get; init; } = "";

    /// <summary>The state of the sign-on.</summary>
    public string State { get; init; } = "";

    /// <summary>The OpenID Connect client.</summary>
    public string ClientId { get; init; } = "";

    /// <summary>The OpenID Connect provider.</summary>
    public string Provider { get; init; } = "";

    /// <summary>Reads the dictionary of the error. Missing fields are empty.</summary>
    public static NetworkAuthenticationInfo Parse(ReadOnlySpan<byte> text)
    {
        var dictionary = new DictionaryReader(text[..Math.Min(text.Length, MaxLength)]);
        return new NetworkAuthenticationInfo
        {
            Version = dictionary.GetNumber("aV"),
            AuthenticationUrl = dictionary.GetText("aU"),
            IssuerUrl = dictionary.GetText("iU"),
            CentralUrl = dictionary.GetText("aCU"),
            Nonce = dictionary.GetText("aN"),
            State = dictionary.GetText("aS"),
            ClientId = dictionary.GetText("aCID"),
            Provider = dictionary.GetText("aSSOp"),
        };
    }
}
