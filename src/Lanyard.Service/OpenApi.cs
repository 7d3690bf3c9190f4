namespace Lanyard.Service;

/// <summary>The OpenAPI 3.1 description of the API.</summary>
internal static class OpenApi
{
    private const string ResourceName = "openapi.json";

    private static readonly Lazy<byte[]> Content = new(Read);

    /// <summary>The description as UTF-8 JSON.</summary>
    public static ReadOnlyMemory<byte> Document => Content.Value;

    private static byte[] Read()
    {
        using var resource = typeof(OpenApi).Assembly.GetManifestResourceStream(ResourceName)
            ?? throw new InvalidOperationException($"{ResourceName} is not in the assembly.");
        var content = new byte[resource.Length];
        resource.ReadExactly(content);
        return content;
    }
}
