using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>Decides whether a node is authorized.</summary>
internal static class MemberAuthorization
{
    /// <summary>The reason of an authorization by the API.</summary>
    public const string ByApi = "api";

    private const string ByPublicNetwork = "public";
    private const string ByToken = "token";
    private const string TokenPrefix = "token:";

    /// <summary>Authorizes a node if the network is public or the request contains a valid token of the network. Returns the record unchanged otherwise.</summary>
    public static MemberRecord Apply(NetworkRecord network, MemberRecord member, NetworkRequestMetadata metadata, long nowMs)
    {
        if (member.IsAuthorized)
            return member;
        if (!network.IsPrivate)
            return Grant(member, nowMs, ByPublicNetwork, null);
        if (!metadata.AuthToken.StartsWith(TokenPrefix, StringComparison.Ordinal))
            return member;
        var presented = MemoryMarshal.AsBytes(metadata.AuthToken.AsSpan(TokenPrefix.Length));
        foreach (var (token, expiresMs) in network.AuthTokens ?? default)
        {
            if (CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(token.AsSpan()), presented) && (expiresMs == 0 || expiresMs > nowMs))
                return Grant(member, nowMs, ByToken, token);
        }

        return member;
    }

    /// <summary>Returns the record, authorized.</summary>
    /// <param name="member">The record.</param>
    /// <param name="nowMs">The time in milliseconds since 1970.</param>
    /// <param name="credentialType">The reason.</param>
    /// <param name="credential">The token; <see langword="null"/> if the reason is another one.</param>
    public static MemberRecord Grant(MemberRecord member, long nowMs, string credentialType, string? credential) => member with
    {
        IsAuthorized = true,
        LastAuthorizedTimeMs = nowMs,
        LastAuthorizedCredentialType = credentialType,
        LastAuthorizedCredential = credential,
    };
}
