using System.Text.Json;

namespace Lanyard.Controller.Tests;

public sealed class BrokenNameTests
{
    [Fact]
    public void A_field_whose_name_has_a_broken_escape_hides_no_other()
    {
        using var document = JsonDocument.Parse("""{"\ud800x":1,"id":"8056c2e21c000001","i\ud800":2,"name":"mine"}""");
        Assert.True(NetworkJson.TryRead(document.RootElement, out var network));
        Assert.Equal("mine", network.Name);
    }
}
