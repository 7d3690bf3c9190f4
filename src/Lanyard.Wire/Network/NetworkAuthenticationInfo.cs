namespace Lanyard.Wire;

/// <summary>
/// What a controller says with the error NETWORK_AUTHENTICATION_REQUIRED: where and how to sign on. A dictionary; kept and passed on, nothing
/// here acts on it.
/// </summary>
public sealed record NetworkAuthenticationInfo
{
    private const int MaxLength = 8192;

    /// <summary>0: only a link is given; 1: the fields of OpenID Connect are.</summary>
    public ulong Version { get; init; }

    /// <summary>Where to sign on.</summary>
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

    /// <summary>Reads the dictionary of the error. What is missing is empty.</summary>
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
